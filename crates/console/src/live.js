"use strict";
// Asks for a part of the page anew, by a form of it, and puts the answer in its place. Without this script the form's
// own buttons and links do the same.
for (const form of document.querySelectorAll("form[data-live]")) {
  const place = document.getElementById(form.dataset.place);
  let asked = 0, waiting;
  const ask = async () => {
    const mine = ++asked;
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.dataset.live, { method: "POST", body, redirect: "error" });
    const text = await answer.text();
    // What was asked before the last question is of yesterday.
    if (mine !== asked) return true;
    const made = new DOMParser().parseFromString(text, "text/html").body;
    if (place.innerHTML !== made.innerHTML) place.replaceChildren(...made.childNodes);
    return answer.ok && !place.querySelector("[data-last]");
  };
  const again = async () => {
    const more = document.hidden || (await ask().catch(() => false));
    if (more) waiting = setTimeout(again, Number(form.dataset.every));
  };
  if (form.dataset.every) waiting = setTimeout(again, Number(form.dataset.every));
  else form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => ask().catch(() => {}), 400);
  });
}
