//! What a right token gives: audience, subject, condition keys, session tags.

use super::*;

fn values(token: &VerifiedToken, name: &str) -> Vec<String> {
    let name = format!("token.actions.githubusercontent.com:{name}");
    let found = token.condition_keys().iter().find(|key| key.name == name);
    found.map(|key| key.values.clone()).unwrap_or_default()
}

#[test]
fn githubs_claims_become_condition_keys() {
    let token =
        verify_claims(json!({"email": "o@example.com", "custom": "x", "repository_owner": "acme"})).unwrap();
    assert_eq!(token.subject(), "repo:acme/infra:ref:refs/heads/main");
    assert_eq!(token.provider(), "token.actions.githubusercontent.com");
    let expected = [
        ("aud", "sts.amazonaws.com"),
        ("oaud", "sts.amazonaws.com"),
        ("sub", "repo:acme/infra:ref:refs/heads/main"),
        ("repository", "acme/infra"),
        ("repository_id", "74"),
        ("actor", "octocat"),
        ("ref", "refs/heads/main"),
        ("job_workflow_ref", "acme/infra/.github/workflows/deploy.yml@refs/heads/main"),
        ("email", "o@example.com"),
    ];
    for (name, value) in expected {
        assert_eq!(values(&token, name), [value], "{name}");
    }
    assert_eq!(token.condition_keys().len(), expected.len(), "nothing else");
    let session: Vec<_> = token.condition_keys().iter().filter(|key| key.in_session).collect();
    assert_eq!(session.len(), 2);
    assert_eq!(token.claim("custom").unwrap(), "x");
}

#[test]
fn other_issuers_claims_of_the_same_names_do_not() {
    let issuer = Issuer::one();
    let url = IssuerUrl::parse("https://idp.example.com/").unwrap();
    let client_ids = ["sts.amazonaws.com".to_owned()];
    let provider = Provider { url: &url, client_ids: &client_ids, thumbprints: &[], inline_keys: None };
    let token =
        issuer.token("RS256", &claims(json!({"iss": "https://idp.example.com/", "amr": ["mfa", "pwd"]})));
    let token = UnverifiedToken::parse(&token).unwrap().verify(&provider, &issuer.keys(), NOW).unwrap();
    let keys: Vec<_> = token.condition_keys().iter().map(|key| key.name.as_str()).collect();
    assert_eq!(
        keys,
        ["idp.example.com/:aud", "idp.example.com/:sub", "idp.example.com/:amr", "idp.example.com/:oaud"]
    );
    assert_eq!(token.condition_keys()[2].values, ["mfa", "pwd"]);
}

#[test]
fn the_authorized_party_is_the_audience() {
    let token = verify_claims(json!({"aud": "https://api.example.com", "azp": "other"})).unwrap();
    assert_eq!(token.audience(), "other");
    assert_eq!(values(&token, "aud"), ["other"]);
    assert_eq!(values(&token, "oaud"), ["https://api.example.com"]);
    let several = verify_claims(json!({"aud": ["sts.amazonaws.com", "x"], "azp": "other"})).unwrap();
    assert_eq!(values(&several, "oaud"), ["sts.amazonaws.com", "x"]);
}

#[test]
fn an_audience_that_is_not_registered_is_refused() {
    for changes in [
        json!({"aud": "sts.amazonaws.com.evil"}),
        json!({"aud": "STS.AMAZONAWS.COM"}),
        json!({"aud": ["sts.amazonaws.com", "x"]}),
        json!({"aud": "sts.amazonaws.com", "azp": "x"}),
        json!({"aud": "sts.amazonaws.com", "azp": ""}),
        json!({"aud": "sts.amazonaws.com", "azp": 3}),
    ] {
        assert_eq!(verify_claims(changes.clone()).unwrap_err(), TokenError::IncorrectAudience, "{changes}");
    }
    assert!(verify_claims(json!({"aud": ["sts.amazonaws.com"]})).is_ok());
    for changes in [json!({"aud": null}), json!({"aud": []}), json!({"aud": 3})] {
        assert_eq!(verify_claims(changes).unwrap_err(), TokenError::MissingClaim("aud"));
    }
    assert_eq!(TokenError::IncorrectAudience.to_string(), "Incorrect token audience");
}

#[test]
fn a_subject_is_needed() {
    for subject in [json!(null), json!(""), json!(3)] {
        assert_eq!(verify_claims(json!({"sub": subject})).unwrap_err(), TokenError::MissingClaim("sub"));
    }
}

#[test]
fn session_tags_come_nested_or_flat() {
    let nested = verify_claims(json!({
        "https://aws.amazon.com/tags": {
            "principal_tags": {"Project": ["Automation"], "Team": "Blue"},
            "transitive_tag_keys": ["Project"],
        },
        "https://aws.amazon.com/source_identity": "octocat",
    }))
    .unwrap();
    let flat = verify_claims(json!({
        "https://aws.amazon.com/tags/principal_tags/Project": ["Automation"],
        "https://aws.amazon.com/tags/principal_tags/Team": "Blue",
        "https://aws.amazon.com/tags/transitive_tag_keys": "Project",
        "https://aws.amazon.com/source_identity": "octocat",
    }))
    .unwrap();
    for token in [nested, flat] {
        let expected =
            [("Project".to_owned(), "Automation".to_owned()), ("Team".to_owned(), "Blue".to_owned())];
        assert_eq!(token.session_tags().tags, expected);
        assert_eq!(token.session_tags().transitive_keys, ["Project"]);
        assert_eq!(token.source_identity(), Some("octocat"));
    }
}

#[test]
fn malformed_tags_are_refused_rather_than_dropped() {
    for changes in [
        json!({"https://aws.amazon.com/tags": "Project"}),
        json!({"https://aws.amazon.com/tags": {"principal_tags": ["Project"]}}),
        json!({"https://aws.amazon.com/tags": {"principal_tags": {"Project": ["a", "b"]}}}),
        json!({"https://aws.amazon.com/tags": {"principal_tags": {"Project": []}}}),
        json!({"https://aws.amazon.com/tags": {"principal_tags": {"Project": 3}}}),
        json!({"https://aws.amazon.com/tags": {"transitive_tag_keys": {"Project": 3}}}),
        json!({"https://aws.amazon.com/tags/transitive_tag_keys": ["Project", 3]}),
        json!({"https://aws.amazon.com/source_identity": ["a"]}),
    ] {
        assert_eq!(verify_claims(changes.clone()).unwrap_err(), TokenError::RejectedClaim, "{changes}");
    }
    assert_eq!(
        (TokenError::RejectedClaim.code(), TokenError::RejectedClaim.http_status()),
        ("IDPRejectedClaim", 403)
    );
}
