//! What a forger would try.

use super::*;

fn right() -> Value {
    claims(json!({}))
}

#[test]
fn every_allowed_algorithm_verifies() {
    let issuer = Issuer::one();
    for algorithm in ["RS256", "RS384", "RS512", "ES256", "ES384"] {
        let token = issuer.token(algorithm, &right());
        assert_eq!(verify(&token, &issuer.keys()).unwrap().audience(), "sts.amazonaws.com", "{algorithm}");
    }
}

#[test]
fn no_other_algorithm_does() {
    let issuer = Issuer::one();
    for algorithm in ["none", "None", "NONE", "", "HS256", "HS512", "PS256", "rs256", "EdDSA"] {
        let header = json!({"alg": algorithm, "kid": "one-RS"});
        let token = issuer.token_with(&header, &right());
        assert_eq!(verify(&token, &issuer.keys()).unwrap_err(), TokenError::NotAJwt, "{algorithm}");
    }
    let unsigned = format!("{}.{}.", encoded(&json!({"alg": "none"})), encoded(&right()));
    assert_eq!(verify(&unsigned, &issuer.keys()).unwrap_err(), TokenError::NotAJwt);
}

#[test]
fn a_header_cannot_change_what_a_key_is_for() {
    let issuer = Issuer::one();
    // A signature by the curve's key, said to be by the RSA key, and the other way round.
    let swapped = issuer.token_with(&json!({"alg": "ES256", "kid": "one-RS"}), &right());
    assert_eq!(verify(&swapped, &issuer.keys()).unwrap_err(), TokenError::NoVerificationKey);
    let swapped = issuer.token_with(&json!({"alg": "RS256", "kid": "one-ES"}), &right());
    assert_eq!(verify(&swapped, &issuer.keys()).unwrap_err(), TokenError::NoVerificationKey);
    let mut jwks = issuer.jwks();
    jwks["keys"][0]["alg"] = json!("RS512");
    let bound = JwkSet::from_json(jwks.to_string().as_bytes()).unwrap();
    assert_eq!(verify(&issuer.token("RS256", &right()), &bound).unwrap_err(), TokenError::NoVerificationKey);
    assert!(verify(&issuer.token("RS512", &right()), &bound).is_ok());
}

#[test]
fn keys_for_encryption_do_not_verify() {
    let issuer = Issuer::one();
    for (member, value) in [("use", json!("enc")), ("key_ops", json!(["sign"]))] {
        let mut jwks = issuer.jwks();
        jwks["keys"][0][member] = value;
        let keys = JwkSet::from_json(jwks.to_string().as_bytes()).unwrap();
        let refused = verify(&issuer.token("RS256", &right()), &keys);
        assert_eq!(refused.unwrap_err(), TokenError::NoVerificationKey, "{member}");
    }
}

#[test]
fn keys_in_the_header_are_ignored() {
    let (issuer, forger) = (Issuer::one(), Issuer::two());
    let header = json!({
        "alg": "RS256",
        "kid": "one-RS",
        "jku": "https://forger.example/jwks",
        "x5u": "https://forger.example/cert",
        "jwk": forger.jwks()["keys"][0],
        "x5c": ["MIIB"],
    });
    let forged = forger.token_with(&header, &right());
    assert_eq!(verify(&forged, &issuer.keys()).unwrap_err(), TokenError::BadSignature);
}

#[test]
fn another_issuers_signature_does_not_count() {
    let (issuer, forger) = (Issuer::one(), Issuer::two());
    for algorithm in ["RS256", "ES256"] {
        let header = json!({"alg": algorithm, "kid": format!("one-{}", &algorithm[..2])});
        let forged = forger.token_with(&header, &right());
        assert_eq!(verify(&forged, &issuer.keys()).unwrap_err(), TokenError::BadSignature);
        let unknown = forger.token(algorithm, &right());
        assert_eq!(verify(&unknown, &issuer.keys()).unwrap_err(), TokenError::NoVerificationKey);
    }
}

#[test]
fn every_byte_is_under_the_signature() {
    let issuer = Issuer::one();
    let token = issuer.token("ES256", &right());
    let (head, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = head.split_once('.').unwrap();
    let promoted = format!("{header}.{}.{signature}", encoded(&claims(json!({"sub": "repo:acme/infra:*"}))));
    assert_eq!(verify(&promoted, &issuer.keys()).unwrap_err(), TokenError::BadSignature);
    let header = encoded(&json!({"alg": "ES256", "kid": "one-ES", "typ": "at+jwt"}));
    let reheaded = format!("{header}.{}.{signature}", encoded(&right()));
    assert_eq!(verify(&reheaded, &issuer.keys()).unwrap_err(), TokenError::BadSignature);
    let cut = format!("{head}.{}", &signature[..40]);
    assert_eq!(verify(&cut, &issuer.keys()).unwrap_err(), TokenError::BadSignature);
}

#[test]
fn the_issuer_is_the_providers_letter_for_letter() {
    for issuer in [
        "https://token.actions.githubusercontent.com/",
        "https://token.actions.githubusercontent.com.example.com",
        "https://TOKEN.actions.githubusercontent.com",
        "http://token.actions.githubusercontent.com",
        "https://forger.example",
        "",
    ] {
        let refused = verify_claims(json!({"iss": issuer})).unwrap_err();
        assert_eq!(refused, TokenError::NoProvider(issuer.to_owned()), "{issuer}");
    }
    assert!(verify_claims(json!({"iss": "token.actions.githubusercontent.com"})).is_ok());
    assert_eq!(verify_claims(json!({"iss": null})).unwrap_err(), TokenError::MissingClaim("iss"));
}

#[test]
fn a_token_counts_from_its_start_to_its_end() {
    let issuer = Issuer::one();
    let token = issuer.token("ES256", &right());
    assert!(verify_at(&token, &issuer.keys(), NOW + 299).is_ok());
    let expired = verify_at(&token, &issuer.keys(), NOW + 300).unwrap_err();
    assert_eq!(expired, TokenError::Expired { now: NOW + 300, expiration: NOW + 300 });
    assert_eq!(expired.code(), "ExpiredTokenException");
    for name in ["nbf", "iat"] {
        assert!(verify_claims(json!({name: NOW + 300})).is_ok());
        assert_eq!(verify_claims(json!({name: NOW + 301})).unwrap_err(), TokenError::NotYetValid);
    }
    assert_eq!(verify_claims(json!({"exp": null})).unwrap_err(), TokenError::MissingClaim("exp"));
    assert_eq!(verify_claims(json!({"exp": "1800000000"})).unwrap_err(), TokenError::NotAJwt);
    assert!(verify_claims(json!({"nbf": null, "iat": null, "exp": 1_800_000_000.5})).is_ok());
}

#[test]
fn names_that_come_twice_are_refused() {
    let issuer = Issuer::one();
    let header = encoded(&json!({"alg": "ES256", "kid": "one-ES"}));
    let twice = right().to_string().replacen('{', "{\"sub\":\"repo:forger/x:ref:refs/heads/main\",", 1);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(twice));
    let signature = URL_SAFE_NO_PAD.encode(issuer.sign("ES256", signed.as_bytes()));
    assert_eq!(verify(&format!("{signed}.{signature}"), &issuer.keys()).unwrap_err(), TokenError::NotAJwt);
}

#[test]
fn what_is_no_jwt_is_refused() {
    let issuer = Issuer::one();
    let right = issuer.token("ES256", &right());
    let critical =
        issuer.token_with(&json!({"alg": "ES256", "kid": "one-ES", "crit": ["b64"]}), &claims(json!({})));
    let long = "a".repeat(20_001);
    for token in
        ["", "a", "a.b", "a.b.c", "..", &right.replacen('.', "", 1), &critical, &long, &format!("{right}=")]
    {
        assert_eq!(verify(token, &issuer.keys()).unwrap_err(), TokenError::NotAJwt, "{token}");
    }
    assert_eq!(
        TokenError::NotAJwt.to_string(),
        "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
    );
}

#[test]
fn a_token_without_a_key_id_needs_a_set_with_one_key() {
    let (issuer, other) = (Issuer::one(), Issuer::two());
    let token = issuer.token_with(&json!({"alg": "RS256"}), &right());
    assert!(verify(&token, &issuer.keys()).is_ok());
    let mut both = issuer.jwks();
    both["keys"].as_array_mut().unwrap().push(other.jwks()["keys"][0].clone());
    let both = JwkSet::from_json(both.to_string().as_bytes()).unwrap();
    assert_eq!(verify(&token, &both).unwrap_err(), TokenError::NoVerificationKey);
}

#[test]
fn weak_keys_do_not_verify() {
    let issuer = Issuer::one();
    let mut jwks = issuer.jwks();
    jwks["keys"][0]["e"] = json!("AQ");
    let keys = JwkSet::from_json(jwks.to_string().as_bytes()).unwrap();
    assert_eq!(verify(&issuer.token("RS256", &right()), &keys).unwrap_err(), TokenError::BadSignature);
    jwks["keys"][0]["n"] = json!("ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTY");
    assert!(JwkSet::from_json(br#"{"keys": 3}"#).is_err());
    assert_eq!(JwkSet::from_json(br#"{"keys": [{"kty": "oct", "k": "AAAA"}, {}, 3]}"#).unwrap().len(), 0);
    let many = json!({"keys": vec![json!({}); 201]});
    assert_eq!(JwkSet::from_json(many.to_string().as_bytes()).unwrap_err(), JwkSetError::TooManyKeys);
}
