const portal = document.querySelector('#portal');
const mode = document.querySelector('#mode');
const accent = document.querySelector('#accent');

const theme = () => ({
  name: 'Acme',
  mode: mode.value,
  accent: accent.value,
  font: 'Georgia, serif',
});

/** From this application's own server, which knows who is signed in; the page never sees a key. */
async function newLink() {
  const response = await fetch(`/portal-link${location.search}`, { method: 'POST' });
  return response.json();
}

const first = await newLink();
const portalOrigin = new URL(first.url).origin;
const tell = (message) => portal.contentWindow.postMessage(message, portalOrigin);

async function renew() {
  const { token } = await newLink();
  tell({ type: 'posthorn:token', token });
}

window.addEventListener('message', ({ origin, source, data }) => {
  if (origin !== portalOrigin || source !== portal.contentWindow) return;
  // Some time before the link ends, when it was revoked, and after a reload of the frame.
  if (data.type === 'posthorn:renew') void renew();
});
for (const field of [mode, accent]) {
  field.addEventListener('input', () => tell({ type: 'posthorn:theme', theme: theme() }));
}

portal.src = `${first.url}&theme=${encodeURIComponent(JSON.stringify(theme()))}`;
