// Brings the table up to date every three seconds, unless the reader has stopped it or is busy in it.
const keep = document.getElementById("keep");
const systems = document.getElementById("systems");
setInterval(async () => {
  if (!keep.checked || document.hidden || systems.contains(document.activeElement)) return;
  const left = [...systems.querySelectorAll(".scroll")].map((each) => each.scrollLeft);
  try {
    const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
    systems.innerHTML = page.getElementById("systems").innerHTML;
    systems.querySelectorAll(".scroll").forEach((each, place) => { each.scrollLeft = left[place] || 0; });
    document.getElementById("cost").textContent = page.getElementById("cost").textContent;
  } catch { /* The demonstration has stopped: the last state stays. */ }
}, 3000);
document.querySelector(".keep").hidden = false;
