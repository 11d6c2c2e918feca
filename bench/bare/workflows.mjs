/** The shape of Posthorn's workflows (workflows/fan-out.ts, deliver.ts), with nothing of what they are for. */
import { ParentClosePolicy, proxyActivities, startChild } from '@temporalio/workflow';

const { send } = proxyActivities({ startToCloseTimeout: '20s' });

/** @param event `{run, n, urls}` */
export async function bareFanOut({ run, n, urls }) {
  await Promise.all(
    urls.map((url, webhook) =>
      startChild(bareDelivery, {
        workflowId: `bare-delivery/${run}-${n}-${webhook}`,
        parentClosePolicy: ParentClosePolicy.ABANDON,
        args: [{ run, n, webhook, url }],
      }),
    ),
  );
}

export async function bareDelivery(delivery) {
  await send(delivery);
}
