export const portal = {
  /** In place of the product's name, unless the theme has one. */
  name: 'Webhook portal',
  none: {
    title: 'This page needs a link',
    advice: 'Open it from the application whose webhooks you want to see.',
  },
  ended: {
    title: 'Your link has ended',
    advice: 'Go back to the application that brought you here, and open this page again.',
  },
  foreign: {
    title: 'This link is for another page',
    advice: 'Open the page again from the application that brought you here.',
  },
};
