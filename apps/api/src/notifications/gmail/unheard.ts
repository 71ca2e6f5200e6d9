import { topicsWithoutSubscription, type ResolvedConfig, type Runtime } from '@syncline/runtime';

/** Warns of topics without a subscription to pull from, when pushes are not accepted either. */
export function warnOfUnreceivedTopics(rt: Runtime, { push, google }: ResolvedConfig): void {
  const unheard = topicsWithoutSubscription(push, google.projects);
  if (unheard.length > 0)
    rt.log.warn(
      { event: 'notifications_unheard', unheard },
      'topics are set, but neither PUSH_GMAIL_SERVICE_ACCOUNT nor a subscription to pull from: nobody hears what is published there',
    );
}
