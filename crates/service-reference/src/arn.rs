//! The ARNs of a resource type, as the reference writes them: `arn:${Partition}:s3:::${BucketName}/${ObjectName}`.

/// An ARN with placeholders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ArnTemplate(&'static str);

/// One step of a template or of a policy's pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// This byte.
    Byte(u8),
    /// Any one byte.
    AnyByte,
    /// Any text, or none.
    AnyText,
    /// Any text without a slash, or none.
    AnySegment,
}

impl ArnTemplate {
    pub(crate) fn new(text: &'static str) -> Self {
        Self(text)
    }

    /// The template as AWS writes it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        self.0
    }

    /// The template's ARN field by number: 0 `arn`, 1 partition, 2 service, 3 region, 4 account, 5 resource.
    #[must_use]
    pub fn field(&self, number: usize) -> Option<&'static str> {
        self.0.splitn(6, ':').nth(number)
    }

    /// Whether some ARN of this template is matched by `pattern`: a concrete ARN, or one with `*`, `?` and policy
    /// variables. Field by field where the pattern has all six, since no field but the last holds a colon.
    #[must_use]
    pub fn overlaps(&self, pattern: &str) -> bool {
        let (template, pattern) = (template_steps(self.0), pattern_steps(pattern));
        let colon = |step: &Step| *step == Step::Byte(b':');
        let templates: Vec<&[Step]> = template.splitn(6, colon).collect();
        let patterns: Vec<&[Step]> = pattern.splitn(6, colon).collect();
        if templates.len() == patterns.len() {
            templates.iter().zip(&patterns).all(|(template, pattern)| intersects(template, pattern))
        } else {
            intersects(&template, &pattern)
        }
    }
}

/// A placeholder stands for at least one byte, but for region and account, which some resources leave out.
fn template_steps(template: &str) -> Vec<Step> {
    let mut steps = Vec::with_capacity(template.len());
    let mut rest = template;
    while let Some(byte) = rest.bytes().next() {
        match rest.strip_prefix("${").and_then(|inner| inner.split_once('}')) {
            Some((name, after)) => {
                match name {
                    "Region" | "Account" | "Partition" => steps.push(Step::AnySegment),
                    // A bucket's name has no slash; without this every object would also be a bucket.
                    "BucketName" => steps.extend([Step::AnyByte, Step::AnySegment]),
                    _ => steps.extend([Step::AnyByte, Step::AnyText]),
                }
                rest = after;
            }
            None => {
                steps.push(if byte == b'*' { Step::AnyText } else { Step::Byte(byte) });
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    steps
}

fn pattern_steps(pattern: &str) -> Vec<Step> {
    let mut steps = Vec::with_capacity(pattern.len());
    let bytes = pattern.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let variable = pattern.get(at..).and_then(|rest| rest.strip_prefix("${")?.find('}'));
        match (byte, variable) {
            (_, Some(length)) => {
                steps.push(Step::AnyText);
                at += length + 3;
                continue;
            }
            (b'*', None) => steps.push(Step::AnyText),
            (b'?', None) => steps.push(Step::AnyByte),
            (byte, None) => steps.push(Step::Byte(byte)),
        }
        at += 1;
    }
    steps
}

/// Whether the two patterns have a text in common: reachability over pairs of positions, row by row.
fn intersects(left: &[Step], right: &[Step]) -> bool {
    let mut row = vec![false; right.len() + 1];
    if let Some(start) = row.first_mut() {
        *start = true;
    }
    for number in 0..=left.len() {
        let step = left.get(number).copied();
        close_row(&mut row, step, right);
        let Some(step) = step else { break };
        row = next_row(&row, step, right);
    }
    row.last().copied().unwrap_or(false)
}

/// Moves along `right` within one position of `left`.
fn close_row(row: &mut [bool], step: Option<Step>, right: &[Step]) {
    for (at, &other) in right.iter().enumerate() {
        if !row.get(at).copied().unwrap_or(false) {
            continue;
        }
        let skips = matches!(other, Step::AnyText | Step::AnySegment);
        let eaten = step.is_some_and(|step| is_text(step) && admits(step, other));
        if (skips || eaten)
            && let Some(next) = row.get_mut(at + 1)
        {
            *next = true;
        }
    }
}

/// Moves past `step`, consuming a byte of both, or leaving an empty run behind.
fn next_row(row: &[bool], step: Step, right: &[Step]) -> Vec<bool> {
    let mut next = vec![false; row.len()];
    for (at, reached) in row.iter().enumerate() {
        if !reached {
            continue;
        }
        let other = right.get(at).copied();
        let stays = is_text(step) || other.is_some_and(|other| is_text(other) && admits(other, step));
        if stays && let Some(slot) = next.get_mut(at) {
            *slot = true;
        }
        let both = other.is_some_and(|other| !is_text(step) && !is_text(other) && bytes_meet(step, other));
        if both && let Some(slot) = next.get_mut(at + 1) {
            *slot = true;
        }
    }
    next
}

fn is_text(step: Step) -> bool {
    matches!(step, Step::AnyText | Step::AnySegment)
}

/// Whether a run may contain what `other` stands for.
fn admits(run: Step, other: Step) -> bool {
    run == Step::AnyText || other != Step::Byte(b'/')
}

fn bytes_meet(left: Step, right: Step) -> bool {
    left == right || left == Step::AnyByte || right == Step::AnyByte
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: ArnTemplate = ArnTemplate("arn:${Partition}:s3:::${BucketName}/${ObjectName}");
    const BUCKET: ArnTemplate = ArnTemplate("arn:${Partition}:s3:::${BucketName}");
    const ROLE: ArnTemplate = ArnTemplate("arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}");

    #[test]
    fn a_concrete_arn_is_of_its_type_only() {
        assert!(OBJECT.overlaps("arn:aws:s3:::b/k/with/slashes"));
        assert!(!BUCKET.overlaps("arn:aws:s3:::b/k"));
        assert!(BUCKET.overlaps("arn:aws-cn:s3:::b"));
        assert!(!OBJECT.overlaps("arn:aws:s3:::b"));
        assert!(ROLE.overlaps("arn:aws:iam::123456789012:role/a/b/c"));
        assert!(!ROLE.overlaps("arn:aws:iam::123456789012:user/a"));
    }

    #[test]
    fn a_pattern_is_of_every_type_that_it_can_reach() {
        assert!(OBJECT.overlaps("arn:aws:s3:::b*") && BUCKET.overlaps("arn:aws:s3:::b*"));
        assert!(OBJECT.overlaps("*") && ROLE.overlaps("*"));
        assert!(ROLE.overlaps("arn:aws:iam::*:role/${aws:username}-*"));
        assert!(!ROLE.overlaps("arn:aws:iam::*:user/*"));
        assert!(OBJECT.overlaps("arn:aws:s3:::?/?") && !OBJECT.overlaps("arn:aws:s3:::?"));
    }
}
