import type { all } from './all';

type Other<T> = T extends string | ((...given: never[]) => string)
  ? T
  : { [Name in keyof T]?: Other<T[Name]> };

const turn = 'Waiting for its turn';
const turnMeans = 'It is sent as soon as there is room. Nothing is lost.';

/**
 * What a customer reads in the portal instead, who has never heard of Posthorn and changes nothing of the
 * platform's.
 */
export const customers: Other<typeof all> = {
  app: {
    product: 'Webhook portal',
    crashed: {
      advice:
        'Reload the page. If that does not help, tell the provider of this page what you did, and send them the message below.',
      stale:
        'A part of it could not be loaded: the server does not answer, or was updated while this page was open.',
    },
  },
  problems: {
    unexpected: { advice: 'Try again. If it keeps happening, tell the provider of this page.' },
    byCode: {
      unreachable: { title: 'The server does not answer' },
      unauthorized: {
        title: 'Your link is no longer valid',
        advice: 'Go back to the application that brought you here, and open this page again.',
      },
      unavailable: { title: 'The server cannot reach its database' },
    },
    server: (requestId: string | null) => ({
      title: 'The server could not do this',
      advice: requestId
        ? `Try again. If it keeps happening, give the provider of this page this request id: ${requestId}`
        : 'Try again. If it keeps happening, tell the provider of this page.',
    }),
  },
  overview: {
    acceptedLead: 'All events that have happened.',
    lateLead: 'Nothing is lost. If this continues, tell the provider of this page.',
  },
  events: {
    lead: 'What has happened. Each event is delivered to all webhooks that are subscribed to its type.',
    noneAdvice:
      'They show up here as they happen. To see one now, send a test event from a webhook.',
    facts: { realKind: 'Real' },
  },
  eventTypes: {
    lead: 'What webhooks can be subscribed to.',
    readOnly: {
      profile: 'The provider of this page defines them.',
      profileOne: 'The provider of this page defines this type.',
      catalogReader: 'The provider of this page defines this type.',
    },
    noneAdvice: 'The provider of this page has not defined any.',
    sampleLead: 'Used for test events.',
  },
  deliveries: {
    remedy: {
      timeout:
        'The receiver took too long. Have it answer 2xx right away and do the work afterwards.',
      blocked_address:
        'The host resolves to a private address, which is not called. Use a public one.',
      secret_unreadable:
        'Nothing was sent: the webhook’s secret or headers cannot be decrypted. If the secret cannot be shown, rotate it; if the headers cannot be shown, set them again.',
      egress:
        'The provider of this page could not open a connection, and has to fix this. It does not count against the webhook.',
      busy: 'The receiver is asking for fewer requests. Raise its limit, or ask the provider of this page to send fewer.',
    },
    empty: {
      lead: 'Send a test event from a webhook: each event to each subscribed webhook is a delivery, which shows up here.',
    },
    one: {
      reason: {
        waiting_for_worker: turn,
        workflow_failing: 'Delayed',
        project_busy: turn,
        workers_busy: turn,
        paused: 'Paused by the provider of this page',
        unknown: 'Delayed',
      },
      reasonMeans: {
        waiting_for_worker: turnMeans,
        workflow_failing: 'The provider of this page has to fix something. Nothing is lost.',
        rate_limit: 'The number of attempts per second to this webhook is limited.',
        project_busy: turnMeans,
        workers_busy: turnMeans,
        paused: 'It continues when they resume it; a retry may end their pause too.',
        unknown: 'It is sent when the provider of this page has fixed something. Nothing is lost.',
      },
    },
  },
  webhooks: {
    form: {
      operational: 'About the webhooks themselves',
      operationalHelp:
        'For example, when a webhook is disabled. “All events” does not include them.',
      signingDefault: 'Default',
    },
    detail: {
      asProject: (value) => value,
      headersUnreadable:
        'They cannot be decrypted, so nothing is sent. Set them again, and rotate the secret if it cannot be shown either.',
    },
  },
};
