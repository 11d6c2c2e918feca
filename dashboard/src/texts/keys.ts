import { isolated } from './isolated';

export const keys = {
  title: 'API keys',
  lead: 'What your applications identify themselves with. A key itself is shown once, when it is created.',
  ownersOnly: 'Only owners see keys',
  ownersOnlyAdvice:
    'You are signed in with a key that can only read. To manage keys, sign in with a key that has the role owner, or with the admin key.',
  done: {
    revoked: 'The key was revoked',
    createdLeft: ({ name }: { name: string }) => ({
      title: `The key ${isolated(name)} was created after you left the form`,
      description:
        'It was not shown to anyone, and can’t be shown again: revoke it, and create another.',
    }),
  },
  create: 'Create key',
  none: 'No keys yet',
  noneAdvice: 'Create one for each application, so that you can revoke them one at a time.',
  columns: {
    name: 'Name',
    role: 'Role',
    id: 'Id',
    lastUsed: 'Last used',
    expires: 'Expires',
  },
  role: { owner: 'Owner', sender: 'Sender', reader: 'Reader' },
  roleHelp: {
    owner: 'Can do everything in this project, including keys and secrets.',
    sender:
      'Can only post events and providers’ reports: for the application or provider that sends them.',
    reader: 'Can view everything except secrets, credentials and keys. Can’t change anything.',
  },
  thisSession: 'This session',
  expired: 'Expired',
  revoke: 'Revoke',
  revokeName: (name: string) => `Revoke ${isolated(name)}`,
  id: 'Key id',
  form: {
    title: 'Create a key',
    name: 'Name',
    nameHelp: 'What uses it, such as Mail service.',
    role: 'Role',
    expiry: 'Expires',
    expiries: {
      never: 'Never',
      '30': 'In 30 days',
      '90': 'In 90 days',
      '365': 'In a year',
      chosen: 'At a time…',
    },
    expiresAt: 'Expires at',
    time: 'Choose a time.',
    required: 'Give it a name.',
  },
  created: {
    title: 'Copy the key now',
    lead: (name: string) =>
      `This is the only time that the key ${isolated(name)} is shown. Store it where your application reads its secrets.`,
    label: 'API key',
    close: 'I have stored it',
  },
  revokeDialog: {
    title: (name: string) => `Revoke ${isolated(name)}?`,
    lead: 'From now on every request with this key is refused with 401, and sessions and portal links that were created with it end. Events that were accepted are still delivered. This can’t be undone.',
    own: 'You are signed in with this key: you will be signed out.',
    confirm: 'Revoke key',
  },
};
