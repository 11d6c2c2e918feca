export const webhooks = {
  title: 'Webhooks',
  oneTitle: 'Webhook',
  newTitle: 'New webhook',
  editTitle: 'Edit webhook',
  done: {
    saved: 'The webhook was saved',
    enabled: 'The webhook is enabled',
    disabled: 'The webhook is disabled',
    paused: 'The webhook is paused',
    resumed: 'The webhook is resumed',
    deleted: 'The webhook was deleted',
    rotated: 'The webhook has a new secret',
  },
};
