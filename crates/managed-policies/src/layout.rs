//! The layout in which AWS shows policy documents: an element a line, four spaces a level.

/// Lays out `compact`, which must be valid JSON without white space between tokens.
pub(crate) fn indented(compact: &str) -> String {
    let mut out = String::with_capacity(compact.len() * 2);
    let mut level = 0;
    let mut characters = compact.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => string(&mut out, &mut characters),
            '{' | '[' => {
                out.push(character);
                if characters.peek().is_some_and(|next| matches!(next, '}' | ']')) {
                    out.extend(characters.next());
                } else {
                    level += 1;
                    new_line(&mut out, level);
                }
            }
            '}' | ']' => {
                level -= 1;
                new_line(&mut out, level);
                out.push(character);
            }
            ',' => {
                out.push(',');
                new_line(&mut out, level);
            }
            ':' => out.push_str(": "),
            other => out.push(other),
        }
    }
    out
}

/// Copies a string whose opening quote has been read.
fn string(out: &mut String, characters: &mut impl Iterator<Item = char>) {
    out.push('"');
    let mut escaped = false;
    for character in characters {
        out.push(character);
        match character {
            '"' if !escaped => return,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
}

fn new_line(out: &mut String, level: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("    ", level));
}
