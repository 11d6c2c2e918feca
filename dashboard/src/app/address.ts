/** What a link carries behind the `#`: read before the router sees it, whose paths begin with a slash. */
const carried = (): URLSearchParams =>
  new URLSearchParams(location.hash.startsWith('#/') ? '' : location.hash.slice(1));

const isLink = (given: URLSearchParams): boolean => given.has('sign-in') || given.has('token');

/** Of the link that the page was opened with. */
export const given = carried();

// A token leaves the address, so that nobody finds it there.
if (isLink(given)) history.replaceState(null, '', `${location.pathname}${location.search}`);

// Opened in a tab that already shows the page, a link changes only the address.
addEventListener('hashchange', () => {
  if (isLink(carried())) location.reload();
});
