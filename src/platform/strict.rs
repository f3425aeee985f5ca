//! A deserializer for which a struct is an object. serde's derived types take an array too, by position, which no
//! description of the API promises; what is read through [`Strict`] refuses that at every depth.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Unexpected, VariantAccess,
    Visitor,
};

/// The wrapper, around a deserializer and what it hands out.
pub(crate) struct Strict<T>(pub(crate) T);

/// A visitor inside; `OBJECT` when it reads a struct, so that a sequence will not do.
struct Reader<V, const OBJECT: bool>(V);

macro_rules! deserialize {
    ($($name:ident($($argument:ident: $kind:ty),*) $object:literal;)*) => {$(
        fn $name<V: Visitor<'de>>(self, $($argument: $kind,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$name($($argument,)* Reader::<V, $object>(visitor))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    deserialize! {
        deserialize_any() false;
        deserialize_bool() false;
        deserialize_i8() false;
        deserialize_i16() false;
        deserialize_i32() false;
        deserialize_i64() false;
        deserialize_i128() false;
        deserialize_u8() false;
        deserialize_u16() false;
        deserialize_u32() false;
        deserialize_u64() false;
        deserialize_u128() false;
        deserialize_f32() false;
        deserialize_f64() false;
        deserialize_char() false;
        deserialize_str() false;
        deserialize_string() false;
        deserialize_bytes() false;
        deserialize_byte_buf() false;
        deserialize_option() false;
        deserialize_unit() false;
        deserialize_unit_struct(name: &'static str) false;
        deserialize_newtype_struct(name: &'static str) false;
        deserialize_seq() false;
        deserialize_tuple(len: usize) false;
        deserialize_tuple_struct(name: &'static str, len: usize) false;
        deserialize_map() false;
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) true;
        deserialize_enum(name: &'static str, variants: &'static [&'static str]) false;
        deserialize_identifier() false;
        deserialize_ignored_any() false;
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

macro_rules! visit {
    ($($name:ident($kind:ty);)*) => {$(
        fn $name<E: Error>(self, value: $kind) -> Result<V::Value, E> {
            self.0.$name(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>, const OBJECT: bool> Visitor<'de> for Reader<V, OBJECT> {
    type Value = V::Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(out)
    }

    visit! {
        visit_bool(bool);
        visit_i8(i8);
        visit_i16(i16);
        visit_i32(i32);
        visit_i64(i64);
        visit_i128(i128);
        visit_u8(u8);
        visit_u16(u16);
        visit_u32(u32);
        visit_u64(u64);
        visit_u128(u128);
        visit_f32(f32);
        visit_f64(f64);
        visit_char(char);
        visit_str(&str);
        visit_borrowed_str(&'de str);
        visit_string(String);
        visit_bytes(&[u8]);
        visit_borrowed_bytes(&'de [u8]);
        visit_byte_buf(Vec<u8>);
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Strict(inner))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Strict(inner))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        if OBJECT {
            return Err(Error::invalid_type(Unexpected::Seq, &self));
        }
        self.0.visit_seq(Strict(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Strict(members))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(Strict(variant))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Strict(inner))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Strict<A> {
    type Error = A::Error;
    type Variant = Strict<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, content) = self.0.variant_seed(seed)?;
        Ok((value, Strict(content)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(Strict(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(len, Reader::<V, false>(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.struct_variant(fields, Reader::<V, true>(visitor))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};

    use super::Strict;

    #[derive(Debug, PartialEq, Clone, Serialize, Deserialize)]
    enum Choice {
        Nothing,
        One(Leaf),
        Pair(u8, Leaf),
        Named { leaf: Leaf },
    }

    #[derive(Debug, PartialEq, Clone, Serialize, Deserialize)]
    struct Leaf {
        text: String,
        number: i64,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Tree {
        leaves: Vec<Leaf>,
        maybe: Option<Leaf>,
        pair: (u8, Leaf),
        named: BTreeMap<String, Leaf>,
        choice: Choice,
        any: Value,
    }

    fn read(value: &Value) -> Result<Tree, serde_json::Error> {
        let text = value.to_string();
        Tree::deserialize(Strict(&mut serde_json::Deserializer::from_str(&text)))
    }

    fn leaf() -> impl Strategy<Value = Leaf> {
        (".{0,8}", any::<i64>()).prop_map(|(text, number)| Leaf { text, number })
    }

    fn tree() -> impl Strategy<Value = Tree> {
        let choice = prop_oneof![
            Just(Choice::Nothing),
            leaf().prop_map(Choice::One),
            (any::<u8>(), leaf()).prop_map(|(number, leaf)| Choice::Pair(number, leaf)),
            leaf().prop_map(|leaf| Choice::Named { leaf }),
        ];
        let any_json = prop_oneof![Just(json!(null)), Just(json!([1, "a", { "b": [2.5] }]))];
        let leaves = prop::collection::vec(leaf(), 0..3);
        let named = prop::collection::btree_map("[a-z]{1,3}", leaf(), 0..3);
        (leaves, prop::option::of(leaf()), (any::<u8>(), leaf()), named, choice, any_json).prop_map(
            |(leaves, maybe, pair, named, choice, any)| Tree { leaves, maybe, pair, named, choice, any },
        )
    }

    /// Every object of the document that stands for a struct, by its pointer.
    fn structs(value: &Value, pointer: &str, out: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if members.contains_key("number") || pointer.is_empty() || pointer.ends_with("/Named") {
                    out.push(pointer.to_owned());
                }
                for (key, inner) in members.iter().filter(|(key, _)| *key != "any") {
                    structs(inner, &format!("{pointer}/{key}"), out);
                }
            }
            Value::Array(items) => {
                for (index, inner) in items.iter().enumerate() {
                    structs(inner, &format!("{pointer}/{index}"), out);
                }
            }
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn it_reads_what_serde_writes_and_no_struct_from_an_array(tree in tree()) {
            let whole = serde_json::to_value(&tree).unwrap();
            prop_assert_eq!(read(&whole).unwrap(), tree);
            let mut pointers = Vec::new();
            structs(&whole, "", &mut pointers);
            for pointer in pointers {
                let mut turned = whole.clone();
                let place = turned.pointer_mut(&pointer).unwrap();
                let text = serde_json::to_string(place).unwrap();
                // In the order of the declaration, so that only the shape can be what is refused.
                let Value::Object(members) = place.take() else { unreachable!("{text}") };
                let order = ["leaves", "maybe", "pair", "named", "choice", "any", "leaf", "text", "number"];
                *place = order.iter().filter_map(|key| members.get(*key).cloned()).collect();
                prop_assert!(serde_json::from_str::<Tree>(&turned.to_string()).is_ok(), "{}", turned);
                let refused = read(&turned).unwrap_err().to_string();
                prop_assert!(refused.contains("sequence, expected struct"), "{pointer}: {refused}");
            }
        }
    }
}
