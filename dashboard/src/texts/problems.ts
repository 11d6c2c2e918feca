const advice = {
  unexpected: {
    title: 'Something unexpected happened',
    advice: 'Try again. If it keeps happening, tell the operator of this Posthorn.',
  },
};

/** What the API's refusals mean for somebody in front of the dashboard: the cause, then what to do. */
export const problems = {
  ...advice,
  byCode: {
    unreachable: {
      title: 'Posthorn does not answer',
      advice: 'Check your connection.',
    },
    unauthorized: {
      title: 'Your session has ended',
      advice: 'Sign in again.',
    },
    delivery_in_progress: {
      title: 'This delivery has not ended yet',
      advice: 'Wait for its next attempt, retry it now, or cancel it before replaying it.',
    },
    delivery_held: {
      title: 'The webhook is paused, or was',
      advice: 'The delivery is sent in its turn once the webhook is resumed.',
    },
    event_expunged: {
      title: 'The payload of this event was deleted',
      advice: 'It can no longer be sent to anybody.',
    },
    unavailable: {
      title: 'Posthorn cannot reach its database',
      advice: 'What you sent last may have been stored already: look before you repeat it.',
    },
    too_slow: {
      title: 'The database took too long',
      advice: 'Try again, for a shorter time or with other filters if there are any.',
    },
  },
  rateLimited: (seconds: number | null) => ({
    title: 'Too many requests',
    advice:
      seconds === null ? 'Wait a moment, then try again.' : `Try again in ${seconds} seconds.`,
  }),
  server: (requestId: string | null) => ({
    title: 'Posthorn could not do this',
    advice: requestId
      ? `Try again. If it keeps happening, give the operator this request id: ${requestId}`
      : advice.unexpected.advice,
  }),
  left: 'You had closed the form, or left its page, before this was answered. Open it again to see what is stored, and to send it anew.',
  retrying: 'Trying again every few seconds.',
  outdated: 'What is shown may be out of date.',
};
