// The console in a real browser. `node console.mjs SCENARIO` reads what it needs from $SCENARIO as JSON
// and prints what it saw as JSON; the Python test judges.
import { appendFileSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const given = JSON.parse(process.env.SCENARIO);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const QUIET = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

const main = (page) => page.locator("main").innerText();
const at = (path) => given.endpoint + path;

async function signIn(page, { user, password }) {
  await page.goto(at("/console/"));
  await page.getByLabel("Account id or alias").fill(given.account);
  await page.getByLabel("User name").fill(user);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

const unfold = (page) => page.evaluate(() => document.querySelectorAll("main details").forEach((one) => { one.open = true; }));

/** What axe finds that is serious, and whether the page is wider than the window. */
async function judge(page, found, where) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  for (const one of violations.filter((v) => ["serious", "critical"].includes(v.impact))) {
    found.push(`${where}: ${one.id} at ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`);
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  if (wide) found.push(`${where}: wider than the window`);
}

const scenarios = {
  async lab(browser) {
    const page = await (await browser.newContext({ acceptDownloads: true })).newPage();
    const saw = {};
    await signIn(page, { ...given.user, password: "wrong" });
    saw.wrong = await main(page);
    await signIn(page, given.user);
    saw.home = await main(page);
    await page.getByRole("link", { name: "S3", exact: true }).first().click();
    saw.denied = await main(page);
    await page.goto(at(`/console/switchrole?account=${given.account}&roleName=robot&displayName=Robot&color=green`));
    await page.getByRole("button", { name: "Switch role" }).click();
    saw.corner = await page.locator(".who summary").innerText();
    saw.asRole = await main(page);
    await page.goto(at("/console/s3"));
    saw.buckets = await main(page);
    await page.getByRole("link", { name: given.bucket }).click();
    await page.getByText("Upload a file").click();
    await page.getByLabel("File").setInputFiles({ name: "note.html", mimeType: "text/html", buffer: Buffer.from("<h1>hi</h1>") });
    await page.getByRole("button", { name: "Upload" }).click();
    saw.uploaded = await main(page);
    const [download] = await Promise.all([
      page.waitForEvent("download"), page.getByRole("link", { name: "note.html" }).click(),
    ]);
    saw.downloaded = { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
    await page.getByRole("button", { name: "Delete note.html" }).click();
    saw.deleted = await main(page);
    await page.locator(".who summary").click();
    await page.getByRole("button", { name: /^Switch back/ }).click();
    saw.back = await page.locator(".who summary").innerText();
    await page.locator(".who summary").click();
    saw.remembered = await page.locator("button.role").allInnerTexts();
    await page.locator("button.role").first().click();
    saw.again = await page.locator(".who summary").innerText();
    await page.locator(".who summary").click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.goto(at("/console/s3"));
    saw.out = page.url();
    return saw;
  },

  async secondFactor(browser) {
    const page = await (await browser.newContext()).newPage();
    const saw = {};
    await signIn(page, given.user);
    saw.asked = await main(page);
    await page.getByLabel("Code").fill("000000");
    await page.getByRole("button", { name: "Sign in" }).click();
    saw.wrong = await main(page);
    await page.getByLabel("Code").fill(given.code);
    await page.getByRole("button", { name: "Sign in" }).click();
    saw.due = await main(page);
    await page.getByLabel("Old password").fill(given.user.password);
    await page.getByLabel("New password", { exact: true }).fill("short");
    await page.getByLabel("New password again").fill("short");
    await page.getByRole("button", { name: "Change password" }).click();
    saw.short = await main(page);
    await page.getByLabel("Old password").fill(given.user.password);
    await page.getByLabel("New password", { exact: true }).fill(given.newPassword);
    await page.getByLabel("New password again").fill(given.newPassword);
    await page.getByRole("button", { name: "Change password" }).click();
    saw.home = await main(page);
    return saw;
  },

  // With no script at all: everything that the console does goes by links and forms.
  async iam(browser) {
    const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
    const saw = {};
    await signIn(page, given.user);
    await page.goto(at("/console/iam/users"));
    await page.getByText("Create a user").first().click();
    await page.getByLabel("Name", { exact: true }).fill("carol");
    await page.getByRole("button", { name: "Create a user" }).click();
    await page.getByRole("link", { name: "carol" }).click();
    await page.getByRole("link", { name: "Write an inline policy" }).click();
    await page.getByLabel("Policy name").fill("read");
    await page.getByLabel("Document").fill('{\n  "Version": "2012-10-17",\n  "Statement": {\n    "Effect": "Allow",\n    "Action": "s3:GetObjet",\n    "Resource": "*"\n  }\n}');
    await page.getByRole("button", { name: "Check" }).click();
    saw.findings = await main(page);
    saw.kept = await page.getByLabel("Document").inputValue();
    await page.getByLabel("Document").fill('{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"');
    await page.getByRole("button", { name: "Save" }).click();
    saw.malformed = await main(page);
    await page.getByLabel("Document").fill('{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}');
    await page.getByRole("button", { name: "Save" }).click();
    saw.saved = await main(page);
    await page.getByRole("button", { name: /^Create an access key/ }).click();
    saw.key = await main(page);
    await page.getByRole("link", { name: "Done" }).click();
    saw.after = await main(page);
    await page.getByRole("button", { name: /^Delete user/ }).click();
    saw.conflict = await main(page);
    await page.goto(at("/console/iam/policies?scope=AWS&q=AmazonS3ReadOnly"));
    await page.getByRole("link", { name: "AmazonS3ReadOnlyAccess" }).click();
    saw.managed = await main(page);
    await page.goto(at("/console/iam/roles/robot"));
    saw.role = await main(page);
    await page.goto(at(`/console/simulator?principal=arn:aws:iam::${given.account}:user/carol&action=s3:GetObject+s3:PutObject&resource=arn:aws:s3:::b/k`));
    saw.simulated = await main(page);
    await page.goto(at("/console/activity?outcome=failed"));
    saw.activity = await main(page);
    await page.getByRole("link", { name: "iam:DeleteUser" }).first().click();
    saw.request = await main(page);
    return saw;
  },

  // The page's own script, under the policy that lets it run: findings while one writes.
  async writing(browser) {
    const page = await (await browser.newContext()).newPage();
    const saw = { errors: [] };
    page.on("console", (message) => message.type() === "error" && saw.errors.push(message.text()));
    page.on("pageerror", (error) => saw.errors.push(String(error)));
    await signIn(page, given.user);
    await page.goto(at("/console/iam/edit?operation=PutUserPolicy&p.UserName=admin&back=/console/iam/users/admin"));
    saw.address = page.url();
    const document = page.getByLabel("Document"), findings = page.locator("#findings");
    await document.fill('{\n  "Version": "2012-10-17",\n  "Statement": {\n    "Effect": "Allow",\n    "Action": "s3:GetObjet",\n    "Resource": "*"\n  }\n}');
    await findings.getByText("Line 5, column 15").waitFor();
    saw.marked = await findings.locator("mark").allInnerTexts();
    await document.fill('{"Version": "2012-10-17", "Statement": {');
    await findings.getByText(/Line 1, column/).first().waitFor();
    saw.broken = await findings.innerText();
    await document.fill('{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}');
    await findings.getByText("The checks found nothing.").waitFor();
    saw.sound = await findings.innerText();
    saw.moved = page.url();
    // What the policy lets run is that one script: another is refused, and says so.
    await page.evaluate(() => {
      const other = document.createElement("script");
      other.textContent = "document.title = 'ran'";
      document.body.append(other);
    }).catch(() => {});
    saw.title = await page.title();
    saw.refused = saw.errors.splice(0).filter((text) => text.includes("Content Security Policy")).length;
    return saw;
  },

  // An instance's console, followed without a hand: `given.file` is what it prints to.
  async following(browser) {
    const page = await (await browser.newContext()).newPage();
    await signIn(page, given.user);
    await page.goto(at(`/console/instances/${given.instance}`));
    const output = page.locator("#output"), saw = { first: await output.innerText() };
    appendFileSync(given.file, "booting <b>\n");
    await output.getByText("booting <b>").waitFor();
    appendFileSync(given.file, "ready\n");
    await output.getByText("ready").waitFor();
    saw.then = await output.innerText();
    saw.address = page.url();
    return saw;
  },

  async look(browser) {
    const found = [], weights = {};
    const [colorScheme, width] = given.view;
    // axe is put into the page for this test alone; nothing of ours may run there otherwise.
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true });
    const page = await context.newPage();
    const look = async (where) => {
      await unfold(page);
      await judge(page, found, where);
    };
    await page.goto(at("/console/"));
    await look("signin");
    if (given.user.accessKeyId) {
      for (const way of ["root", "root-key"]) {
        await page.goto(at(`/console/signin?as=${way}`));
        await look(`signin as ${way}`);
      }
      await page.getByLabel("Access key id").fill(given.user.accessKeyId);
      await page.getByLabel("Secret access key").fill(given.user.secret);
      await page.getByRole("button", { name: "Sign in" }).click();
    } else {
      await signIn(page, given.user);
    }
    for (const path of given.pages) {
      const response = await page.goto(at(path));
      weights[path] = (await response.body()).length;
      await look(path);
    }
    await page.locator(".who summary").click();
    await look("the menu");
    for (const [path, fill, press, where] of given.forms ?? []) {
      await page.goto(at(path));
      await unfold(page);
      for (const [label, value] of Object.entries(fill)) await page.getByLabel(label, { exact: true }).first().fill(value);
      if (press) await page.getByRole("button", { name: press }).first().click();
      await page.waitForLoadState();
      await look(where);
    }
    return { found, weights };
  },

  async strangers(browser) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await signIn(page, given.user);
    const saw = { scripts: [] };
    page.on("console", (message) => saw.scripts.push(message.text()));
    // An object with a script, shown by its own presigned address, on the console's own host.
    await page.goto(given.object);
    await page.waitForLoadState("load");
    saw.title = await page.title();
    saw.fetched = (await page.request.fetch(at("/console/s3"), {
      headers: { "sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin" },
    })).status();
    return saw;
  },
};

const browser = await chromium.launch({ executablePath: given.chromium, args: QUIET });
try {
  console.log(JSON.stringify(await scenarios[process.argv[2]](browser)));
} finally {
  await browser.close();
}
