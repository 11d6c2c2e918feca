/**
 * Who is measured. Each has `name`, `pids`, `workflowTypes`, and `prepare(webhooks)`, which returns
 * `{accept(run, n), projectId?}`, or for the raw sender `{sendAll(run, load)}`.
 */
import { once } from 'node:events';
import { callerOf } from './api.mjs';
import { createPoster } from './post.mjs';
import { eventOf } from './sample.mjs';

export const MODES = ['raw', 'bare', 'workflow', 'auto', 'express'];

export function contendersOf(stack, clients) {
  const { raw, bare, posthorn } = stack.pids;
  const urls = (webhooks) =>
    Array.from({ length: webhooks }, (_, webhook) => `${stack.receiverUrl}/${webhook}`);
  const json = { 'content-type': 'application/json' };
  const dispatched = (dispatch, workflowTypes) => ({
    pids: posthorn,
    workflowTypes,
    prepare: async (webhooks) => {
      const call = callerOf(stack);
      const { id, key } = await call('POST', '/v1/projects?key=owner', undefined, {
        name: `bench ${dispatch}`,
        dispatch,
      });
      for (const [n, url] of urls(webhooks).entries()) {
        await call('POST', '/v1/webhooks', id, { name: `webhook ${n}`, url, events: ['*'] });
      }
      const post = createPoster(clients);
      const headers = { ...json, authorization: `Bearer ${key}` };
      return {
        projectId: id,
        accept: (run, n) =>
          post(`${stack.apiUrl}/v1/events`, headers, JSON.stringify(eventOf(run, n))),
      };
    },
  });
  const driven = ['fanOutEvent', 'deliverWebhook'];
  return {
    raw: {
      pids: raw,
      workflowTypes: [],
      prepare: async (webhooks) => ({
        sendAll: async (run, { events }) => {
          stack.raw.send({ run, events, webhooks, clients, urls: urls(webhooks) });
          await once(stack.raw, 'message');
        },
      }),
    },
    bare: {
      pids: bare,
      workflowTypes: ['bareFanOut', 'bareDelivery'],
      prepare: async (webhooks) => {
        const post = createPoster(clients);
        return {
          accept: (run, n) =>
            post(stack.bareUrl, json, JSON.stringify({ run, n, urls: urls(webhooks) })),
        };
      },
    },
    workflow: dispatched('workflow', driven),
    auto: dispatched('auto', [...driven, 'courier']),
    express: dispatched('express', ['courier']),
  };
}
