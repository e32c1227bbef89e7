use super::*;
use crate::check::TestFile;

fn world() -> World {
    let trust = |principal: &str| {
        format!(
            r#"'{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {principal}, "Action": "sts:AssumeRole"}}]}}'"#
        )
    };
    let text = format!(
        "[groups.team]\n[users.ann]\ngroups = ['team']\n[users.bob]\n\
         [roles.first]\ntrust = {}\n[roles.second]\ntrust = {}\n[roles.apart]\ntrust = {}\n\
         [[test]]\nprincipal = 'user/ann'\ncan_assume = 'role/first'\n",
        trust(r#"{"AWS": "arn:aws:iam::123456789012:user/ann"}"#),
        trust(r#"{"AWS": "arn:aws:iam::123456789012:role/first", "Service": "ec2.amazonaws.com"}"#),
        trust(
            r#"{"AWS": "arn:aws:iam::123456789012:user/bob", "Federated": "arn:aws:iam::123456789012:oidc-provider/x.example"}"#
        ),
    );
    let file = TestFile::parse("x.toml", &text).unwrap();
    file.world(None, rolecall_state::Timestamp(0), &|_| Err(std::io::ErrorKind::NotFound.into())).unwrap()
}

fn part(from: Option<&str>, to: Option<&str>) -> Graph {
    let part = Part { from: from.map(str::to_owned), to: to.map(str::to_owned) };
    graph(&world(), &part).unwrap()
}

#[test]
fn the_whole_map_has_every_line() {
    let whole = part(None, None);
    assert!(whole.complete && whole.leads_somewhere());
    assert_eq!(
        whole.to_text().lines().collect::<Vec<_>>(),
        [
            "provider/arn:aws:iam::123456789012:oidc-provider/x.example is trusted by role/apart",
            "role/first may become role/second",
            "service/ec2.amazonaws.com is trusted by role/second",
            "user/ann is a member of group/team",
            "user/ann may become role/first",
            "user/bob may become role/apart",
        ]
    );
}

#[test]
fn parts_keep_what_is_on_a_way() {
    assert_eq!(
        part(Some("user/ann"), None).to_text(),
        "role/first may become role/second\nuser/ann may become role/first\n"
    );
    let to = part(None, Some("role/second"));
    assert_eq!(to.edges.len(), 3);
    assert!(!to.to_text().contains("bob"));
    let way = part(Some("user/ann"), Some("role/second"));
    assert_eq!(way.to_text(), "user/ann -> role/first -> role/second\n");
    assert!(way.leads_somewhere());
    let none = part(Some("user/bob"), Some("role/second"));
    assert_eq!(none.to_text(), "there is no way\n");
    assert!(!none.leads_somewhere());
    assert!(!part(None, Some("role/first")).to_text().contains("role/second"));
}

#[test]
fn somebody_who_is_not_there_is_an_error() {
    let part = Part { from: Some("user/anne".into()), to: None };
    let error = graph(&world(), &part).unwrap_err().to_string();
    assert!(error.contains("did you mean user/ann?"), "{error}");
}

#[test]
fn other_languages_have_the_same_lines() {
    let whole = part(None, None);
    assert_eq!(whole.to_dot().matches(" -> ").count(), whole.edges.len());
    let mermaid = whole.to_mermaid();
    assert_eq!(mermaid.matches("-->").count() + mermaid.matches("-.->").count(), whole.edges.len());
    assert!(mermaid.contains("[\"user/ann\"]") && mermaid.contains("([\"role/first\"])"));
    let json = serde_json::to_value(&whole).unwrap();
    assert_eq!(json["nodes"][0]["kind"], "user");
    assert_eq!(json["edges"].as_array().unwrap().len(), whole.edges.len());
}
