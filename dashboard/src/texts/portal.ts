export const portal = {
  /** Why something is not a customer's to do. */
  refused: {
    disabled:
      'The provider of this page has disabled this webhook, and only they can change that: ask them.',
    paused:
      'The provider of this page has paused this webhook, and only they can change that: ask them.',
    replayStarted:
      'The provider of this page has started this replay, and only they can pause or cancel it.',
    replayPaused: 'The provider of this page has paused this replay, and only they can resume it.',
    readOnly:
      'Your link is for looking only. Ask the provider of this page for one to manage webhooks.',
    platforms: 'Only the provider of this page can do this: ask them.',
  },
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
