//! From what a mail says to its subject, text and HTML. What people wrote is escaped here and nowhere else.

use assay_kernel::text;

/// What a mail says, in the order of reading.
#[derive(Debug)]
pub(crate) struct Letter {
    subject: String,
    blocks: Vec<Block>,
}

#[derive(Debug)]
enum Block {
    Say(String),
    Quote(String),
    List(Vec<String>),
    Link { label: &'static str, url: String },
}

/// What stands below every mail.
#[derive(Debug)]
pub(crate) enum Footer<'a> {
    /// The mail is needed.
    Essential,
    /// The mail can be stopped: what it is about, and where.
    Optional { about: &'a str, unsubscribe: &'a str },
}

const SENDER: &str =
    "Assay. This message was sent because of activity on your account or an invitation to you.";

impl Letter {
    /// A letter with this subject.
    pub fn new(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), blocks: Vec::new() }
    }

    /// A paragraph.
    pub fn say(self, text: impl Into<String>) -> Self {
        self.with(Block::Say(text.into()))
    }

    /// Somebody's words.
    pub fn quote(self, words: &str) -> Self {
        self.with(Block::Quote(words.to_owned()))
    }

    /// A list of somebody's words.
    pub fn list(self, items: &[String]) -> Self {
        self.with(Block::List(items.to_vec()))
    }

    /// Where to act.
    pub fn link(self, label: &'static str, url: &str) -> Self {
        self.with(Block::Link { label, url: url.to_owned() })
    }

    fn with(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    /// The subject: one line, whatever people wrote.
    pub fn subject(&self) -> String {
        let one_line = self.subject.replace(|c: char| c.is_control() || c.is_whitespace(), " ");
        text::excerpt(&one_line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "), 150)
    }

    /// The body as plain text.
    pub fn text(&self, footer: &Footer<'_>) -> String {
        let mut out = String::new();
        for block in &self.blocks {
            match block {
                Block::Say(text) => out.push_str(text),
                Block::Quote(words) => out.push_str(&prefixed(words, "> ", "> ")),
                Block::List(items) => {
                    let items: Vec<String> = items.iter().map(|item| prefixed(item, "- ", "  ")).collect();
                    out.push_str(&items.join("\n"));
                }
                Block::Link { label, url } => out.push_str(&format!("{label}:\n{url}")),
            }
            out.push_str("\n\n");
        }
        out.push_str("--\n");
        out.push_str(SENDER);
        if let Footer::Optional { about, unsubscribe } = footer {
            out.push_str(&format!("\nNo more mail about {about}: {unsubscribe}"));
        }
        out.push('\n');
        out
    }

    /// The body as HTML.
    pub fn html(&self, footer: &Footer<'_>) -> String {
        let blocks: String = self.blocks.iter().map(Block::html).collect();
        let stop = match footer {
            Footer::Essential => String::new(),
            Footer::Optional { about, unsubscribe } => {
                format!(
                    "<br>\n<a href=\"{}\">No more mail about {}</a>",
                    escaped(unsubscribe),
                    escaped(about)
                )
            }
        };
        page(
            &self.subject(),
            &format!("{blocks}<p style=\"color: #555; font-size: 0.85em\">{SENDER}{stop}</p>\n"),
        )
    }
}

impl Block {
    fn html(&self) -> String {
        match self {
            Self::Say(text) => format!("<p>{}</p>\n", escaped(text)),
            Self::Quote(words) => {
                format!("<blockquote style=\"white-space: pre-wrap\">{}</blockquote>\n", escaped(words))
            }
            Self::List(items) => {
                let items: String = items
                    .iter()
                    .map(|item| format!("<li style=\"white-space: pre-wrap\">{}</li>\n", escaped(item)))
                    .collect();
                format!("<ul>\n{items}</ul>\n")
            }
            Self::Link { label, url } => {
                format!("<p><a href=\"{}\">{}</a></p>\n", escaped(url), escaped(label))
            }
        }
    }
}

/// A page with this title around HTML that is escaped already.
pub(crate) fn page(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n</head>\n\
         <body style=\"font-family: sans-serif; line-height: 1.5; max-width: 40em; margin: 2em auto; \
         padding: 0 1em\">\n{body}</body>\n</html>\n",
        escaped(title)
    )
}

fn prefixed(text: &str, first: &str, rest: &str) -> String {
    let mut out = String::new();
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out.push_str(if index == 0 { first } else { rest });
        out.push_str(line);
    }
    out
}

/// Text as HTML shows it, in elements and in quoted attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
