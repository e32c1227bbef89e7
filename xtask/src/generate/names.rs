//! Names: from the model's to Rust's.

/// Words that are kept together when a name is cut.
const WORDS: &[(&str, &str)] = &[
    ("OpenIDConnect", "OpenidConnect"),
    ("URLs", "Urls"),
    ("IDs", "Ids"),
    ("MFA", "Mfa"),
    ("SAML", "Saml"),
    ("SSH", "Ssh"),
    ("ARNs", "Arns"),
    ("IPv", "Ipv"),
    ("QRCode", "QrCode"),
    ("DNS", "Dns"),
];

/// `AssumeRolePolicyDocument` → `assume_role_policy_document`.
pub(crate) fn snake(name: &str) -> String {
    let mut name = name.to_owned();
    for (from, to) in WORDS {
        name = name.replace(from, to);
    }
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let after = chars.get(at + 1);
        let starts_word = c.is_uppercase()
            && before.is_some_and(|b| {
                b.is_lowercase()
                    || b.is_ascii_digit()
                    || (b.is_uppercase() && after.is_some_and(|a| a.is_lowercase()))
            });
        if starts_word {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    let out = out.replace(['-', '.'], "_");
    if matches!(
        out.as_str(),
        "type" | "use" | "ref" | "in" | "where" | "as" | "enum" | "move" | "match" | "static" | "return"
    ) {
        return format!("r#{out}");
    }
    out
}

/// `createUserRequest` → `CreateUserRequest`; Rust's own names are stepped around.
pub(crate) fn camel(name: &str) -> String {
    let mut chars = name.chars();
    let camel: String = chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default();
    if matches!(
        camel.as_str(),
        "Option" | "String" | "Vec" | "Request" | "Response" | "Operation" | "ErrorCode" | "Facts" | "Box"
    ) {
        return format!("{camel}Shape");
    }
    camel
}

/// `UserName` → `userName`, as AWS's validation messages name members: only the first letter goes
/// down, whatever follows it (`sSHPublicKeyBody`).
pub(crate) fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// `userName` → `UserName`, for EC2's parameter names.
pub(crate) fn upper_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_well() {
        assert_eq!(snake("AssumeRolePolicyDocument"), "assume_role_policy_document");
        assert_eq!(snake("OpenIDConnectProviderArn"), "openid_connect_provider_arn");
        assert_eq!(snake("MFADevices"), "mfa_devices");
        assert_eq!(snake("SSHPublicKeyId"), "ssh_public_key_id");
        assert_eq!(snake("Ipv6CidrBlock"), "ipv6_cidr_block");
        assert_eq!(lower_first("UserName"), "userName");
        assert_eq!(lower_first("SSHPublicKeyId"), "sSHPublicKeyId");
    }
}
