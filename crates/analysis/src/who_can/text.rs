//! The answer for people.

use std::fmt::Write as _;

use super::{Able, Nearly, Outsider, WhoCan};
use crate::reached::Becoming;

/// The most lines about who may become one role.
const MOST: usize = 20;

impl WhoCan {
    /// The answer as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!("{} on {}\n\n", self.action, self.resource);
        let width = self.allowed.iter().map(|able| able.principal.len()).max().unwrap_or_default();
        self.allowed.iter().for_each(|able| allowed(&mut out, able, width));
        self.outside.iter().for_each(|one| outside(&mut out, one));
        if !self.anyone() {
            let _ = writeln!(out, "nobody can ({} users and roles were asked about)", self.asked);
        }
        if let Some(near) = &self.nearly {
            out.push_str("\nnearly:\n");
            near.iter().for_each(|one| nearly(&mut out, one));
            if near.is_empty() {
                out.push_str("  nobody\n");
            }
        }
        for (who, cause) in &self.undecided {
            let _ = writeln!(out, "\n{who}: {cause}");
        }
        self.remarks(&mut out);
        out
    }

    fn remarks(&self, out: &mut String) {
        let mut remarks = Vec::new();
        if self.root {
            remarks.push("The account's root user can, too.".to_owned());
        }
        if !self.complete {
            remarks.push("Not all was asked about who may become whom: there is too much of it.".to_owned());
        }
        remarks.extend(self.unknown.iter().cloned());
        if !remarks.is_empty() {
            out.push('\n');
        }
        for remark in remarks {
            let _ = writeln!(out, "{remark}");
        }
    }
}

fn allowed(out: &mut String, able: &Able, width: usize) {
    let by = match able.groups.as_slice() {
        [] => String::new(),
        groups => format!(" of group {}", groups.join(", ")),
    };
    let _ = writeln!(out, "{:width$}  {}{by}", able.principal, able.because.text);
    if let Some(becoming) = &able.becoming {
        let lines = lines(becoming);
        for line in lines.iter().take(MOST) {
            let _ = writeln!(out, "  <- {line}");
        }
        let rest = lines.len().saturating_sub(MOST);
        if rest > 0 || becoming.more {
            let _ = writeln!(out, "  <- and {rest} more (--json names them)");
        }
    }
}

fn lines(becoming: &Becoming) -> Vec<String> {
    let mut lines = becoming.assumed_by.clone();
    for way in &becoming.reached_by {
        let rest = way.iter().skip(1).take(way.len().saturating_sub(2));
        let over: Vec<&str> = rest.map(String::as_str).collect();
        lines.push(format!("{}, over {}", way.first().map_or("", String::as_str), over.join(" and ")));
    }
    lines.extend(becoming.services.iter().map(|name| format!("service {name}")));
    lines.extend(becoming.providers.iter().map(|name| format!("who comes by {name}")));
    lines.extend(becoming.strangers.iter().map(|name| match name.as_str() {
        "*" => "anyone whom its trust policy's conditions let in (it trusts *)".to_owned(),
        name => format!("{name}, if its own account allows it"),
    }));
    if lines.is_empty() {
        lines.push("nobody may become it".to_owned());
    }
    lines
}

fn outside(out: &mut String, one: &Outsider) {
    let who = match one.principal.as_str() {
        "*" => "anyone, even without credentials",
        name => name,
    };
    let too = if one.own_policies_too { ", if its own account allows it" } else { "" };
    let _ = writeln!(out, "{who}  {}{too}", one.because.text);
}

fn nearly(out: &mut String, one: &Nearly) {
    let _ = writeln!(out, "  {}", one.principal);
    if let Some(by) = &one.allowed_by {
        let _ = writeln!(out, "    allowed by  {by}");
    }
    let _ = writeln!(out, "    kept from it by  {}", one.because.text);
    if let Some((key, value)) = &one.with {
        let _ = writeln!(out, "    could with  --context {key}={value}");
    }
}
