export const settings = {
  title: 'Project settings',
  done: { saved: 'The settings were saved' },
};
