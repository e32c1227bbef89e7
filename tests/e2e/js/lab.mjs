// The lab by AWS's SDK for JavaScript; prints what happened as one JSON object.
import { CreateAccessKeyCommand, CreatePolicyCommand, CreateRoleCommand, AttachRolePolicyCommand,
  CreateUserCommand, GetRoleCommand, IAMClient, ListRolesCommand, PutUserPolicyCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand, GetObjectCommand, ListBucketsCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromTemporaryCredentials } from "@aws-sdk/credential-providers";

const account = "123456789012";
const roleArn = `arn:aws:iam::${account}:role/robot`;
const userArn = `arn:aws:iam::${account}:user/auto/robot`;
const policy = (...statements) => JSON.stringify({ Version: "2012-10-17", Statement: statements });
const settings = { maxAttempts: 1 };
const s3 = (credentials) => new S3Client({ ...settings, credentials, forcePathStyle: true });
const whoAmI = async (credentials) =>
  (await new STSClient({ ...settings, credentials }).send(new GetCallerIdentityCommand({}))).Arn;
const refusal = async (attempt) => {
  try {
    await attempt();
    return null;
  } catch (error) {
    return { code: error.name, status: error.$metadata?.httpStatusCode, message: error.message };
  }
};
const identityOf = ({ AccessKeyId, SecretAccessKey, SessionToken }) =>
  ({ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken });

const iam = new IAMClient(settings);
const report = {};

await s3().send(new CreateBucketCommand({ Bucket: "lab-first" }));
const made = await iam.send(new CreatePolicyCommand({ PolicyName: "s3_management", Path: "/storage/",
  PolicyDocument: policy({ Effect: "Allow", Action: "s3:*", Resource: "*" }) }));
await iam.send(new CreateUserCommand({ UserName: "robot", Path: "/auto/", Tags: [{ Key: "Name", Value: "robot" }] }));
await iam.send(new CreateRoleCommand({ RoleName: "robot", AssumeRolePolicyDocument: policy({ Effect: "Allow",
  Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com", AWS: userArn }, Condition: {} }) }));
await iam.send(new AttachRolePolicyCommand({ RoleName: "robot", PolicyArn: made.Policy.Arn }));
await iam.send(new PutUserPolicyCommand({ UserName: "robot", PolicyName: "assume_role-robot",
  PolicyDocument: policy({ Effect: "Allow", Action: "sts:AssumeRole", Resource: roleArn }) }));
report.roles = (await iam.send(new ListRolesCommand({}))).Roles.map((role) => role.RoleName);
report.missing = await refusal(() => iam.send(new GetRoleCommand({ RoleName: "nobody" })));

const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: "robot" }));
const user = identityOf(AccessKey);
report.user = await whoAmI(user);
report.denied = await refusal(() => s3(user).send(new ListBucketsCommand({})));

const answer = await new STSClient({ ...settings, credentials: user }).send(
  new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: "JavaScript" }));
const session = identityOf(answer.Credentials);
report.session = await whoAmI(session);
report.buckets = (await s3(session).send(new ListBucketsCommand({}))).Buckets.map((bucket) => bucket.Name);
await s3(session).send(new PutObjectCommand({ Bucket: "lab-first", Key: "k", Body: "from JavaScript" }));
const got = await s3(session).send(new GetObjectCommand({ Bucket: "lab-first", Key: "k" }));
report.object = await got.Body.transformToString();

const provider = fromTemporaryCredentials({ masterCredentials: user,
  params: { RoleArn: roleArn, RoleSessionName: "by-provider" }, clientConfig: settings });
report.provided = await whoAmI(provider);
report.wrong = await refusal(() => whoAmI({ ...user, secretAccessKey: "x".repeat(40) }));
report.tampered = await refusal(() => whoAmI({ ...session, sessionToken: session.sessionToken.replace(/^.../, "AAA") }));

console.log(JSON.stringify(report));
