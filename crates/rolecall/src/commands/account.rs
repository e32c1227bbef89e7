//! `rolecall account`: the accounts of a server, which are those of its organization.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::request::{self, Asked};
use super::{Failure, print};
use crate::cli::{AccountArgs, AccountCommand};

const TARGET: &str = "AWSOrganizationsV20161128";

/// Between two looks at an account that is being made. This server makes it at once.
const POLL: Duration = Duration::from_millis(50);

/// What an answer says: the members, or the error's code and message.
type Answer = Result<Value, (String, String)>;

/// Asks the server as the principal of the environment, which must be one of the management account.
pub(crate) fn run(args: &AccountArgs) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::Environment(format!("no runtime: {cause}")))?;
    let api = Api { endpoint_url: &args.endpoint_url };
    runtime.block_on(async {
        match &args.command {
            AccountCommand::Create { name, email, role_name, json } => {
                let asked = new_account(name, email.as_deref(), role_name.as_deref());
                create(&api, &asked, *json).await
            }
            AccountCommand::Ls { json } => list(&api, *json).await,
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

fn refused((code, message): &(String, String)) -> ExitCode {
    eprintln!("rolecall: {code}: {message}");
    ExitCode::from(1)
}
