//! `rolecall account`: the accounts of a server, which are those of its organization.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::request::{self, Asked};
use super::{Failure, print, wait_for};
use crate::cli::{AccountArgs, AccountCommand};

const TARGET: &str = "AWSOrganizationsV20161128";

/// Between two looks at an account that is being made. This server makes it at once.
const POLL: Duration = Duration::from_millis(50);

/// What an answer says: the members, or the error's code and message.
type Answer = Result<Value, (String, String)>;

/// Asks the server as the principal of the environment, which must be one of the management account.
pub(crate) fn run(args: &AccountArgs) -> Result<ExitCode, Failure> {
    let api = Api { endpoint_url: &args.endpoint_url };
    wait_for(async {
        match &args.command {
            AccountCommand::Create { name, email, role_name, json } => {
                let asked = new_account(name, email.as_deref(), role_name.as_deref());
                create(&api, &asked, *json).await
            }
            AccountCommand::Ls { json } => list(&api, *json).await,
            AccountCommand::Password { account, delete } => {
                let new = if *delete { None } else { Some(new_password()?) };
                password(&api, account.as_deref(), new.as_deref().map(String::as_str)).await
            }
        }
    })
}

struct Api<'a> {
    endpoint_url: &'a str,
}

impl Api<'_> {
    async fn call(&self, operation: &str, input: &Value) -> Result<Answer, Failure> {
        let (target, body) = (format!("{TARGET}.{operation}"), input.to_string());
        let asked = Asked {
            endpoint_url: self.endpoint_url,
            service: "organizations",
            path: "/",
            body: request::Body::Json { target: &target, text: &body },
        };
        let (status, body) = request::send(&asked).await?;
        let answer: Value = serde_json::from_slice(&body).map_err(|cause| {
            Failure::Environment(format!("{}: the answer is no JSON: {cause}", self.endpoint_url))
        })?;
        if status == 200 {
            return Ok(Ok(answer));
        }
        let message = ["Message", "message"].iter().find_map(|name| text(&answer, name));
        let code = text(&answer, "__type").unwrap_or_default();
        let code = code.rsplit('#').next().unwrap_or_default();
        Ok(Err((code.to_owned(), message.unwrap_or_default().to_owned())))
    }
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

/// CreateAccount's input. Every account has an e-mail address of its own; nothing is ever sent to it.
fn new_account(name: &str, email: Option<&str>, role_name: Option<&str>) -> Value {
    let spelled: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let email = email.map_or_else(|| format!("{spelled}@rolecall.invalid"), str::to_owned);
    let mut input = json!({"AccountName": name, "Email": email});
    if let (Some(role_name), Some(members)) = (role_name, input.as_object_mut()) {
        members.insert("RoleName".into(), role_name.into());
    }
    input
}

async fn create(api: &Api<'_>, input: &Value, as_json: bool) -> Result<ExitCode, Failure> {
    let mut answer = api.call("CreateAccount", input).await?;
    if matches!(&answer, Err((code, _)) if code == "AWSOrganizationsNotInUseException") {
        if let Err(refusal) = api.call("CreateOrganization", &json!({"FeatureSet": "ALL"})).await? {
            return Ok(refused(&refusal));
        }
        eprintln!("rolecall: made an organization; its management account is your own");
        answer = api.call("CreateAccount", input).await?;
    }
    let answer = match answer {
        Ok(answer) => answer,
        Err(refusal) => return Ok(refused(&refusal)),
    };
    let id = match made(api, answer).await? {
        Ok(id) => id,
        Err(refusal) => return Ok(refused(&refusal)),
    };
    let role = text(input, "RoleName").unwrap_or("OrganizationAccountAccessRole");
    let role = format!("arn:aws:iam::{id}:role/{role}");
    if as_json {
        return print(format!("{:#}\n", json!({"accountId": id, "accessRole": role})));
    }
    eprintln!("rolecall: users of the management account get in by `rolecall assume {role}`");
    print(format!("{id}\n"))
}

/// Waits for the account of CreateAccount's answer, and gives its id.
async fn made(api: &Api<'_>, mut answer: Value) -> Result<Result<String, (String, String)>, Failure> {
    loop {
        let status = answer.get("CreateAccountStatus").unwrap_or(&Value::Null);
        let of = |name: &str| text(status, name).unwrap_or_default().to_owned();
        match of("State").as_str() {
            "SUCCEEDED" => return Ok(Ok(of("AccountId"))),
            "IN_PROGRESS" => tokio::time::sleep(POLL).await,
            _ => return Ok(Err(("CreateAccount".into(), of("FailureReason")))),
        }
        let asked = json!({"CreateAccountRequestId": of("Id")});
        answer = match api.call("DescribeCreateAccountStatus", &asked).await? {
            Ok(answer) => answer,
            Err(refusal) => return Ok(Err(refusal)),
        };
    }
}

async fn list(api: &Api<'_>, as_json: bool) -> Result<ExitCode, Failure> {
    let (mut accounts, mut input) = (Vec::new(), json!({}));
    loop {
        let answer = match api.call("ListAccounts", &input).await? {
            Ok(answer) => answer,
            Err(refusal) => return Ok(refused(&refusal)),
        };
        accounts.extend(answer.get("Accounts").and_then(Value::as_array).into_iter().flatten().cloned());
        match text(&answer, "NextToken") {
            Some(token) => input = json!({"NextToken": token}),
            None => break,
        }
    }
    if as_json {
        let of = |account: &Value, name: &str| text(account, name).map(str::to_owned);
        let one = |account: &Value| {
            json!({"id": of(account, "Id"), "name": of(account, "Name"), "email": of(account, "Email"),
                "status": of(account, "Status"), "arn": of(account, "Arn")})
        };
        return print(format!("{:#}\n", Value::Array(accounts.iter().map(one).collect())));
    }
    let mut out = format!("{:<14} {:<11} {}\n", "ID", "STATUS", "NAME");
    for account in &accounts {
        let [id, status, name] = ["Id", "Status", "Name"].map(|name| text(account, name).unwrap_or("-"));
        out.push_str(&format!("{id:<14} {status:<11} {name}\n"));
    }
    print(&out)
}

/// The password, from standard input; on a terminal it is asked for and not shown.
fn new_password() -> Result<Zeroizing<String>, Failure> {
    let interactive = std::io::stdin().is_terminal();
    let shown = |how: &str| std::process::Command::new("stty").arg(how).status().is_ok_and(|s| s.success());
    let hidden = interactive && shown("-echo");
    if interactive {
        eprint!("New password: ");
    }
    let mut line = Zeroizing::new(String::new());
    let read = std::io::stdin().read_line(&mut line);
    if hidden {
        shown("echo");
        eprintln!();
    }
    read.map_err(|cause| Failure::Environment(format!("standard input: {cause}")))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Failure::Environment("there is no password on standard input".into()));
    }
    Ok(Zeroizing::new(password.to_owned()))
}

async fn password(api: &Api<'_>, account: Option<&str>, new: Option<&str>) -> Result<ExitCode, Failure> {
    let text = Zeroizing::new(json!({"account": account, "password": new}).to_string());
    let asked = Asked {
        endpoint_url: api.endpoint_url,
        service: "rolecall",
        path: "/rolecall/root-password",
        body: request::Body::Json { target: "Rolecall.PutRootPassword", text: &text },
    };
    let (status, body) = request::send(&asked).await?;
    if status == 200 {
        return Ok(ExitCode::SUCCESS);
    }
    let answer: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let of = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(refused(&(of("__type"), of("message"))))
}

fn refused((code, message): &(String, String)) -> ExitCode {
    eprintln!("rolecall: {code}: {message}");
    ExitCode::from(1)
}
