// The page works without this. With it, a line opens in place, errors are met first, and a form is sent once.
"use strict";

(function () {
  const main = document.getElementById("main");

  function keepClearOfBanner() {
    const banner = document.querySelector(".cr-banner");
    if (banner) document.documentElement.style.setProperty("--banner", banner.offsetHeight + "px");
  }

  // What a source said is drawn under its line; a second tap, or Escape, takes it away again.
  function placeFor(link) {
    const row = link.closest("tr");
    if (!row) {
      const item = link.closest("li");
      const place = document.createElement("div");
      (link.closest("p") || item.lastChild).after(place);
      return [place, place];
    }
    const added = document.createElement("tr");
    const cell = document.createElement("td");
    cell.colSpan = row.children.length;
    added.append(cell);
    const next = row.nextElementSibling;
    (next && next.classList.contains("cr-disputed") ? next : row).after(added); // A disagreement stays beside its line.
    return [added, cell];
  }

  function close(link) {
    const added = document.getElementById(link.getAttribute("aria-controls"));
    if (added) added.remove();
    link.setAttribute("aria-expanded", "false");
  }

  let opened = 0;

  async function open(link) {
    let text = "";
    try {
      const answer = await fetch(link.href + "?in=place", { credentials: "same-origin", cache: "no-store" });
      if (!answer.ok || answer.redirected) throw new Error("refused");
      text = await answer.text();
    } catch {
      window.location.assign(link.href); // The page of its own says what is wrong.
      return;
    }
    if (link.getAttribute("aria-expanded") === "true") return;
    const [added, place] = placeFor(link);
    added.id = "receipt-" + ++opened;
    place.innerHTML = text;
    link.setAttribute("aria-controls", added.id);
    link.setAttribute("aria-expanded", "true");
  }

  if (main) {
    main.addEventListener("click", function (event) {
      const link = event.target.closest("a[href^='entry/']");
      if (!link || link.closest(".cr-path") || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      if (link.getAttribute("aria-expanded") === "true") close(link);
      else open(link);
    });
    main.addEventListener("keydown", function (event) {
      if (event.key !== "Escape") return;
      const added = event.target.closest("[id^='receipt-']");
      const link = added ? main.querySelector("a[aria-controls='" + added.id + "']") : event.target.closest("a[aria-expanded='true']");
      if (!link) return;
      close(link);
      link.focus();
    });
  }

  document.addEventListener("submit", function (event) {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", function (event) {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
    if (event.persisted) window.location.reload(); // A page kept by the Back button may be of a session that has ended.
  });

  // What is left of emergency access, by the minute; when it is over the page is asked for again, and shows what is allowed.
  const emergency = document.querySelector("[data-ends-at]");
  function sayTimeLeft() {
    const minutes = Math.floor((Date.parse(emergency.dataset.endsAt) - Date.now()) / 60000);
    if (minutes < 0) window.location.reload();
    const hours = Math.floor(minutes / 60);
    const words = hours > 0 ? hours + " h " + (minutes % 60) + " min" : minutes > 0 ? minutes + " min" : "less than a minute";
    emergency.querySelector("[data-left]").textContent = words;
  }
  if (emergency && Date.parse(emergency.dataset.endsAt) > Date.now()) window.setInterval(sayTimeLeft, 20000);

  // What stands on the screen was true when it was drawn. One that stays open says for how long, since results come by night.
  const age = document.querySelector("[data-age]");
  const drawn = Date.now();
  function sayAge() {
    const minutes = Math.floor((Date.now() - drawn) / 60000);
    if (minutes < 5) return;
    const hours = Math.floor(minutes / 60);
    age.querySelector("b").textContent = hours > 0 ? hours + " h " + (minutes % 60) + " min" : minutes + " min";
    age.hidden = false;
    age.closest(".cr-as-at").classList.add("cr-as-at--old");
  }
  if (age) {
    window.setInterval(sayAge, 20000);
    document.addEventListener("visibilitychange", sayAge);
  }

  // A record on the screen goes within seconds when its session is closed, has expired or is switched off. Only the page
  // that is looked at asks: a browser has few connections to one host, and many open charts must not use them up.
  const chart = document.querySelector(".cr-banner") && window.location.pathname.match(/^\/patient\/[^/]+/);

  let touched = false; // Reading without a click is use too: the session must not end under a reader who scrolls.
  for (const name of ["keydown", "pointerdown", "pointermove", "wheel", "scroll", "touchstart"]) {
    window.addEventListener(name, () => { touched = true; }, { passive: true, capture: true });
  }

  async function stay() {
    let asking = null;
    document.addEventListener("visibilitychange", function () {
      if (document.hidden && asking) asking.abort();
    });
    for (;;) {
      if (document.hidden) {
        await new Promise((seen) => document.addEventListener("visibilitychange", seen, { once: true }));
        continue;
      }
      let status = 0;
      asking = new AbortController();
      try {
        const seconds = Math.ceil(performance.now() / 1000); // For how long this page has been open.
        const asked = chart[0] + "/open?seconds=" + seconds + (touched ? "&touched=yes" : "");
        touched = false;
        const answer = await fetch(asked, { credentials: "same-origin", cache: "no-store", signal: asking.signal });
        status = answer.status;
      } catch {
        // Hidden now, or nobody answers: what is on the screen was seen already, and the next request asks anyway.
      }
      if (status === 403) return window.location.replace(chart[0] + "/summary");
      if (status !== 204 && !document.hidden) await new Promise((rested) => window.setTimeout(rested, 4000));
    }
  }

  if (chart) stay();

  // Paper is asked for by its own address, which writes it down: the browser's own command leads there too.
  const print = document.querySelector("a[href='?in=print']");
  if (print) {
    document.addEventListener("keydown", function (event) {
      if (!(event.ctrlKey || event.metaKey) || event.key !== "p") return;
      event.preventDefault();
      print.click();
    });
  }
  if (document.body.classList.contains("cr--print")) window.addEventListener("load", () => window.print());

  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details:not([open])").forEach((closed) => {
      closed.open = true;
      closed.dataset.printing = "yes";
    });
  });
  window.addEventListener("afterprint", function () {
    document.querySelectorAll("details[data-printing]").forEach((shown) => {
      shown.open = false;
      delete shown.dataset.printing;
    });
  });

  window.addEventListener("resize", keepClearOfBanner);
  keepClearOfBanner();
  const problem = document.querySelector("[data-focus]");
  if (problem) problem.focus();
})();
