const path = /\/portal\/([^/]+)\/?$/.exec(location.pathname);

/** The project whose portal this page is, as its address names it; null: it is the dashboard. */
export const PORTAL_PROJECT = path && decodeURIComponent(path[1]!);
