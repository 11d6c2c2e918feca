export const app = {
  product: 'Posthorn',
  skip: 'Skip to content',
  openMenu: 'Open menu',
  closeMenu: 'Close menu',
  navigation: 'Main',
  find: { label: 'Find anything', placeholder: 'Find by id or name' },
  nav: {
    overview: 'Overview',
    webhooks: 'Webhooks',
    deliveries: 'Deliveries',
    events: 'Events',
    eventTypes: 'Event types',
    replays: 'Replays',
    keys: 'API keys',
    audit: 'Audit log',
    settings: 'Project settings',
  },
  navGroup: { delivery: 'Delivery', project: 'Project' },
  project: {
    label: 'Project',
    search: 'Find a project by name or id',
    none: 'No project yet',
    noneAdvice:
      'Everything in Posthorn belongs to a project. Create the first one through the API: POST /v1/projects with a name and a profile.',
    loading: 'Loading projects…',
  },
  account: {
    open: 'Account and preferences',
    role: {
      admin: 'Admin key',
      owner: 'Owner key',
      reader: 'Reader key',
      sender: 'Sender key',
      portal: 'Portal',
    },
    signOut: 'Sign out',
    shortcuts: 'Keyboard shortcuts',
    docs: 'API reference',
  },
  theme: { label: 'Appearance', system: 'System', light: 'Light', dark: 'Dark' },
  zone: { label: 'Times', local: 'Local time', utc: 'UTC' },
  signIn: {
    title: 'Sign in to Posthorn',
    lead: 'Use the admin key or a key of a project.',
    key: 'API key',
    keyHelp:
      'npm start prints it. It is exchanged for a session cookie and not kept in the browser.',
    submit: 'Sign in',
    submitting: 'Signing in…',
    required: 'Enter a key.',
    refused: 'This key is unknown, was revoked or has expired. Check that you copied all of it.',
    linkUsed:
      'This sign-in link was used already or has expired. Use a key, or restart Posthorn for a new link.',
    ended: 'Your session has ended. Sign in again to continue where you were.',
    openingLink: 'Signing in…',
    noSender:
      'A key of role sender may only post events. Sign in with a key of role owner or reader.',
  },
  shortcuts: {
    title: 'Keyboard shortcuts',
    lead: 'They work anywhere outside of text fields.',
    list: {
      help: 'Show this help',
      search: 'Go to the search field',
      go: (page: string) => `Go to ${page}`,
      rows: 'Move between the rows of a list',
      open: 'Open the row',
      select: 'Select the row',
      close: 'Close what is open',
    },
    sequence: 'then',
    or: 'or',
  },
  notFound: {
    title: 'There is no such page',
    advice: 'The address may be misspelt, or the link is from an older version.',
    back: 'Go to the overview',
  },
  crashed: {
    title: 'This page could not be shown',
    advice:
      'Load it again. If that does not help, tell the operator what you did, and the message below.',
    reload: 'Load again',
    stale:
      'Posthorn was probably updated while this page was open. Load it again to get the current version.',
  },
};
