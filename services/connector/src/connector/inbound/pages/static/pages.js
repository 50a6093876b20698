// Only makes things easier: without it every page works, and nothing is decided here.
"use strict";

const byId = (id) => document.getElementById(id);

// The browser knows its time zone better than we guess it.
const zones = document.querySelector("select[data-guess]");
if (zones) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (here) {
    if (![...zones.options].some((option) => option.value === here)) {
      const place = here.slice(here.indexOf("/") + 1).replaceAll("_", " ").replaceAll("/", ", ");
      zones.add(new Option(place, here), 0);
    }
    zones.value = here;
  }
}

// The password as Apple shows it, whatever was copied along with it.
const letters = (typed) => typed.replace(/[\p{Cf}\p{Cc}\p{Z}\p{Pd}]/gu, "").toLowerCase();
const isPassword = (typed) => /^[a-z]{16}$/.test(letters(typed));
const isAppleId = (typed) => {
  const address = typed.replace(/\p{Cf}/gu, "").trim().toLowerCase();
  return address.length <= 254 && /^[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(address);
};

// A form with a password would come back without it, and Apple shows it only once: what cannot be right is not sent.
const password = byId("app_password");
if (password) {
  const [zone, city] = [byId("time_zone"), byId("time_zone_other")];
  const typesZone = () => zone.value === "other";
  // What may be typed is asked for once somebody wants to type it. Until it is here, it is the server that decides.
  let known = null;
  const learn = async () => {
    if (known || !typesZone()) return;
    known = new Set();
    try {
      const answer = await fetch(password.form.dataset.zones);
      if (answer.ok) known = new Set((await answer.text()).split("\n"));
    } catch {
      known = null;
    }
  };
  const plain = (typed) => typed.normalize("NFKD").toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  const isZone = (typed) => !typesZone() || !known?.size || known.has(plain(typed));

  const fields = [[byId("apple_id"), isAppleId], [password, isPassword], [zone, isZone]].filter(([field]) => field);
  const typed = (field) => (field === zone && typesZone() ? city.value : field.value);
  const fault = ([field, right]) => {
    if (!typed(field).trim()) return field.dataset.empty ?? "";
    return right(typed(field)) ? "" : field.dataset.malformed;
  };
  const mended = (one) => fault(one) || accept(one[0]);

  for (const one of fields) one[0].addEventListener("input", () => mended(one));
  city?.addEventListener("input", () => mended([zone, isZone]));
  zone?.addEventListener("input", learn);
  if (zone) learn();
  password.addEventListener("paste", (event) => {
    const pasted = event.clipboardData?.getData("text") ?? "";
    if (isPassword(pasted)) {
      event.preventDefault();
      password.value = letters(pasted).match(/.{4}/g).join("-");
      accept(password);
    }
  });
  password.form.addEventListener("submit", (event) => {
    const wrong = fields.filter(fault);
    if (!wrong.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    for (const one of wrong) refuse(one[0], fault(one));
    const [first] = wrong[0];
    (first === zone && typesZone() ? city : first).focus();
  });
}

function refuse(field, message) {
  const id = `${field.id}-mistake`;
  let said = byId(id);
  if (!said) {
    said = document.createElement("p");
    said.id = id;
    said.className = "mistake";
    said.setAttribute("role", "alert");
    (field.closest(".secret") ?? field).before(said);
  }
  said.textContent = message;
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", `${id} ${field.id}-hint`);
  field.closest(".field").classList.add("field-wrong");
}

function accept(field) {
  byId(`${field.id}-mistake`)?.remove();
  field.removeAttribute("aria-invalid");
  field.setAttribute("aria-describedby", `${field.id}-hint`);
  field.closest(".field").classList.remove("field-wrong");
}

for (const button of document.querySelectorAll("[data-reveals]")) {
  const field = byId(button.dataset.reveals);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
    field.focus();
  });
}

// Apple takes its time: say so, and send once.
for (const form of document.querySelectorAll("form")) {
  const button = form.querySelector("button[type=submit]");
  const label = button?.innerHTML;
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    if (form.dataset.waits) {
      button.textContent = form.dataset.waits;
      button.setAttribute("aria-disabled", "true");
    }
  });
  addEventListener("pageshow", () => {
    delete form.dataset.sent;
    if (form.dataset.waits) {
      button.innerHTML = label;
      button.removeAttribute("aria-disabled");
    }
  });
}

// The calendar that appointments go to blocks by itself: its box is ticked and locked while it is chosen, and says why.
const linked = document.querySelector("select[name=linked]");
linked?.addEventListener("change", () => {
  byId("locked")?.remove();
  for (const box of document.querySelectorAll("input[type=checkbox][name=conflict]")) {
    const row = box.closest(".calendar");
    if (row.classList.contains("option-off")) continue;
    const chosen = box.value === linked.value;
    const notes = (box.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && id !== "locked");
    if (chosen) {
      box.checked = true;
      row.querySelector(".option-text").append(document.querySelector("template").content.cloneNode(true));
      notes.push("locked");
      box.setAttribute("aria-labelledby", row.querySelector(".option-name").id);
    }
    box.disabled = chosen;
    box.setAttribute("aria-describedby", notes.join(" "));
    row.querySelector("input[type=hidden]")?.remove();
  }
});

// What the workers tell shows by itself, as long as nobody is busy in that part of the page.
const page = async (address) => {
  const answer = await fetch(address, { credentials: "same-origin", redirect: "error" });
  return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
};
const headings = (part) => [...part.querySelectorAll("h2")].map((heading) => heading.textContent.trim());
const [PAUSE, TRIES] = [10000, 6];
const live = byId("live");
if (live && "moving" in live.dataset) {
  // Availability hears of everything a little later: while it tells another state, it is asked some more times.
  let [asked, tries, wanted] = [0, TRIES, false];
  const again = async () => {
    const part = byId("live");
    if (document.hidden || part.contains(document.activeElement)) {
      setTimeout(again, 3000);
      return;
    }
    try {
      // Without what availability knows, which it need not be asked for every few seconds.
      const whole = await page(`${location.pathname}?live`);
      const fresh = whole?.getElementById("live");
      if (!fresh || !("moving" in fresh.dataset)) return location.reload();
      const { state } = fresh.dataset;
      const turned = state !== part.dataset.state;
      if (turned || fresh.innerHTML !== part.innerHTML) {
        const news = headings(fresh).filter((heading) => !headings(part).includes(heading));
        part.replaceWith(fresh);
        byId("badge").replaceWith(whole.getElementById("badge"));
        if (news.length) byId("heard").textContent = news.join(". ");
        wanted = true;
      }
      if (turned) [asked, tries] = [0, TRIES];
      const behind = tries > 0 && byId("ahead")?.dataset.state !== state;
      if ((wanted || behind) && Date.now() - asked >= PAUSE) {
        [asked, tries, wanted] = [Date.now(), tries - 1, false];
        await lookAhead();
      }
    } catch {
      // The network is away; the page says when it was last checked.
    }
    setTimeout(again, 3000);
  };
  setTimeout(again, 2000);
}

// Days that were opened stay open.
async function lookAhead() {
  const shown = byId("ahead");
  if (!shown || shown.contains(document.activeElement)) return;
  const fresh = (await page(location.href))?.getElementById("ahead");
  if (!fresh) return;
  for (const day of shown.querySelectorAll("details")) fresh.querySelector(`#${day.id}`)?.toggleAttribute("open", day.open);
  if (fresh.innerHTML !== shown.innerHTML) shown.replaceWith(fresh);
}

// What a form led to was said; a reload need not say it again.
if (location.search.includes("told=")) history.replaceState(null, "", location.pathname);
