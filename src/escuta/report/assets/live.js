// On a server: when there is news of a run, show it.
"use strict";

(() => {
  let fetching = false;
  const look = async (event) => {
    if (fetching || event.data === escuta.page.version) return;
    fetching = true;
    try {
      const answer = await fetch("/document.json");
      if (answer.ok) escuta.update(await answer.json());
    } finally {
      fetching = false;
    }
  };
  new EventSource("/news").onmessage = look;
})();
