// Reads the page again when its account has changed.
const mailbox = document.getElementById('mailbox');
if (mailbox !== null) {
  const WAIT_MS = 200;
  let waiting = false;
  const refresh = async () => {
    waiting = false;
    const address = new URL(location.href);
    address.searchParams.set('part', '1');
    const answer = await fetch(address);
    if (answer.ok) mailbox.innerHTML = await answer.text(); // Escaped by the server.
  };
  // Several changes come together, and a reload is one.
  new EventSource(mailbox.dataset.live).addEventListener('message', () => {
    if (!waiting) setTimeout(() => void refresh(), WAIT_MS);
    waiting = true;
  });
}
