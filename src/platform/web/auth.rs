//! Who is asking, visible in each handler's signature. The edge authenticates before any extractor runs and stores
//! the actor; extractors only read it.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use assay_kernel::{Actor, Code, Error, Permission, Result, Role, Scope};
use futures_util::future::LocalBoxFuture;

use super::problem::Problem;

/// A credential as sent.
#[derive(Debug, Clone)]
pub enum Presented {
    /// The browser's session cookie.
    Cookie(String),
    /// A bearer token: an access token or a personal API token.
    Bearer(String),
}

/// Turns a credential into an actor. The identity domain implements it; the application hands it to the edge.
pub trait Authenticator {
    /// The actor whose credential it is, as the database knows them now.
    ///
    /// # Errors
    /// `unauthenticated`, `account_suspended`, or the database's failure.
    fn authenticate(&self, presented: Presented) -> LocalBoxFuture<'_, Result<Actor>>;
}

/// What the edge found out about the caller.
#[derive(Clone)]
pub(super) struct Caller(pub Option<Rc<Actor>>);

/// Who may call an operation.
pub trait Access: 'static {
    /// Its name in the description of the API.
    const NAME: &'static str;

    /// Checks an authenticated actor.
    fn check(actor: &Actor) -> Result<()>;
}

macro_rules! access {
    ($($(#[$doc:meta])* $name:ident = $told:literal ($actor:ident) $check:block)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}
        impl Access for $name {
            const NAME: &'static str = $told;

            fn check($actor: &Actor) -> Result<()> $check
        }
    )*};
}

access! {
    /// Anybody who has signed in, even without having signed up, and even when suspended (to read and to appeal).
    SignedIn = "signed_in" (actor) { actor.require_scope(Scope::Read) }
    /// A member who reads.
    Reader = "reader" (actor) { actor.require_active()?; actor.require_scope(Scope::Read) }
    /// A member who changes their own profile, tokens and sessions.
    Manager = "manager" (actor) { actor.require_active()?; actor.require_scope(Scope::Account) }
    /// A developer who acts on the market.
    Developer = "developer" (actor) { actor.require_active()?; actor.require_scope(Scope::Bid)?; actor.require_role(Role::Developer) }
    /// A client who acts on the market.
    Hirer = "hirer" (actor) { actor.require_active()?; actor.require_scope(Scope::Hire)?; actor.require_role(Role::Client) }
    /// Staff of any kind.
    Staff = "staff" (actor) {
        actor.require_active()?;
        actor.require_scope(Scope::Account)?;
        if actor.is_staff() { Ok(()) } else { Err(Error::new(Code::Forbidden, "This is for staff.")) }
    }
    /// Staff who curate.
    Curator = "curator" (actor) { Staff::check(actor)?; actor.require(Permission::Curator) }
    /// Staff who decide applications and appeals.
    Reviewer = "reviewer" (actor) { Staff::check(actor)?; actor.require(Permission::Reviewer) }
    /// Staff who act on money.
    Finance = "finance" (actor) { Staff::check(actor)?; actor.require(Permission::Finance) }
    /// Staff who administer.
    Admin = "admin" (actor) { Staff::check(actor)?; actor.require(Permission::Admin) }
}

/// The caller, checked for `A`. Dereferences to the actor.
#[derive(Debug, Clone)]
pub struct Auth<A> {
    actor: Rc<Actor>,
    access: PhantomData<fn() -> A>,
}

impl<A> std::ops::Deref for Auth<A> {
    type Target = Actor;
    fn deref(&self) -> &Actor {
        &self.actor
    }
}

impl<A: Access> FromRequest for Auth<A> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            actor_of(request)
                .and_then(|actor| {
                    A::check(&actor)?;
                    Ok(Self { actor, access: PhantomData })
                })
                .map_err(Problem),
        )
    }
}

/// The caller of a public operation: somebody or nobody.
#[derive(Debug, Clone)]
pub struct Anyone(Option<Rc<Actor>>);

impl Anyone {
    /// The actor, when somebody is signed in.
    pub fn actor(&self) -> Option<&Actor> {
        self.0.as_deref()
    }
}

impl FromRequest for Anyone {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(actor_of(request).ok())))
    }
}

fn actor_of(request: &HttpRequest) -> Result<Rc<Actor>> {
    request
        .extensions()
        .get::<Caller>()
        .and_then(|caller| caller.0.clone())
        .ok_or_else(|| Error::new(Code::Unauthenticated, Code::Unauthenticated.meaning()))
}
