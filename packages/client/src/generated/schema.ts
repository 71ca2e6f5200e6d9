/* Generated from the route table; test/conformance/client-generated.test.ts has the command. */

export interface paths {
    "/v1/accounts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List accounts
         * @description Accounts with their collections, in the order of tenant and id. An account that stays is given exactly once.
         */
        get: operations["accounts.list"];
        put?: never;
        /**
         * Connect an account, or renew its grant
         * @description Idempotent by tenant and address. Resources that are not named are not removed. Google is asked whose the grant is, where the API has an OAuth client; otherwise, and with `verify=false`, the first sync checks it before it writes anything. With `application/x-ndjson` each line, of at most 64 KB, is an account, and has a line of the answer in the same order; there are at most 1,000, and no Idempotency-Key.
         */
        post: operations["accounts.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get an account */
        get: operations["accounts.get"];
        put?: never;
        post?: never;
        /**
         * Remove an account
         * @description Stops its syncs at once. Workers stop its watches, revoke its grant unless another account needs it, and erase every row. The operation is done when nothing is left.
         */
        delete: operations["accounts.remove"];
        options?: never;
        head?: never;
        /**
         * Pause or resume an account
         * @description A paused account is not synced; its rows stay. Resuming makes every collection due at once.
         */
        patch: operations["accounts.update"];
        trace?: never;
    };
    "/v1/connect-sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a link by which an end user connects a Google account
         * @description The link is for one person and one browser. With `accountId` the account is reconnected: its rows and cursors stay, and another Google account is refused.
         */
        post: operations["connectSessions.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/connect-sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a connect session
         * @description Kept for 30 days after it has expired.
         */
        get: operations["connectSessions.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/sync": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Request a sync now
         * @description Makes the collections due at once. With `wait` the answer comes when they are caught up, or when the time is over.
         */
        post: operations["accounts.sync"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/why": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Explain how fresh an account is
         * @description Each collection with the reason for its state, and the quota spent today.
         */
        get: operations["accounts.why"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List what happened to an account
         * @description Newest first: transitions only, and what happened to many accounts at once. The last 500 events of 90 days are kept.
         */
        get: operations["accounts.events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List messages
         * @description Newest first, those without a date last. The work of a request is bounded: a page may be short, or empty, before the end. A message that stays is given exactly once.
         */
        get: operations["messages.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/messages/{messageId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a message */
        get: operations["messages.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/threads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List threads
         * @description In the order of their newest message, newest first. A page may be short before the end. The messages of a thread are `messages?thread=`.
         */
        get: operations["threads.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/threads/{threadId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a thread */
        get: operations["threads.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/labels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List labels
         * @description In the order of their ids.
         */
        get: operations["labels.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/messages/{messageId}/source": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the source of a message
         * @description RFC 822, byte for byte. The mirror has it with `MIRROR_BODIES=raw`; otherwise `fetch=true` gets it from Google.
         */
        get: operations["messages.source"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/messages/{messageId}/attachments/{partId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get an attachment
         * @description Its bytes, from Google: the mirror has the name and the size. At most 50 MB. Types that are not listed here are given as `application/octet-stream`.
         */
        get: operations["attachments.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/calendars": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List calendars
         * @description In the order of their ids.
         */
        get: operations["calendars.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/calendars/{calendarId}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the events of a calendar
         * @description Single events, series and exceptions as Google gives them, in the order of their ids; cancelled exceptions included, deleted events not.
         */
        get: operations["events.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/calendars/{calendarId}/events/{eventId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get an event */
        get: operations["events.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/instances": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the single events of a time range
         * @description Series are expanded. In the order of the starts. At most 20,000 series, exceptions and single events are read; a page has at most about 8 MB.
         */
        get: operations["instances.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/calendars/{calendarId}/instances": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the single events of a calendar in a time range
         * @description As the instances of the account, of one calendar.
         */
        get: operations["instances.ofCalendar"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/free-busy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Find out when accounts are busy
         * @description From the mirror. Events that are cancelled, shown as available, or declined by the owner of the calendar do not count. An account that the key may not see is excluded like one that does not exist.
         */
        post: operations["freeBusy.query"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/contacts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List contacts
         * @description People of the contacts, other contacts and contact groups, in the order of their resource names.
         */
        get: operations["contacts.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/contacts/{contactId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a contact */
        get: operations["contacts.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the change feed of an account
         * @description Events in the order of their commits. JSON is a page: with `wait` it comes when there is an event, or when the time is over. `Accept: text/event-stream` or `application/x-ndjson` gives a stream, for which `limit` and `wait` mean nothing; it ends after an hour and when the process drains, and goes on at `Last-Event-ID`.
         */
        get: operations["changes.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the change feeds of all accounts
         * @description The events of all accounts of the key's tenant, or of every tenant, in one order: that of each account is exact, between accounts it is that of arrival. JSON is a page: with `wait` it comes when there is an event, or when the time is over. `Accept: text/event-stream` or `application/x-ndjson` gives a stream, for which `limit` and `wait` mean nothing; it ends after an hour and when the process drains, and goes on at `Last-Event-ID`.
         */
        get: operations["changes.all"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get an operation
         * @description Long work: removals and verifications. With `wait` the answer comes when it has ended, or when the time is over. Kept for 30 days.
         */
        get: operations["operations.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}/verifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the verifications of an account
         * @description Newest first.
         */
        get: operations["verifications.list"];
        put?: never;
        /**
         * Compare the mirror with Google
         * @description A worker compares every item. Without `sample` that costs as much quota as a full sync. The result has the counts.
         */
        post: operations["verifications.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/quarantine": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List items that could not be mirrored
         * @description In the order of account, collection and item.
         */
        get: operations["quarantine.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/quarantine/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Read items again
         * @description What still cannot be stored comes back to the quarantine.
         */
        post: operations["quarantine.retry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/quarantine/drop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Drop items from the quarantine
         * @description They stay out of the mirror until they change at Google.
         */
        post: operations["quarantine.drop"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/quota": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Report the use of Google's quota */
        get: operations["quota.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/quota/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Plan the use of Google's quota
         * @description What a fleet would cost and how long its onboarding would take, with the limits and intervals of this deployment. Asks Google nothing.
         */
        post: operations["quota.plan"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List API keys
         * @description The newest first. A key of one tenant sees that tenant's keys.
         */
        get: operations["keys.list"];
        put?: never;
        /**
         * Make an API key
         * @description The answer shows the key once. A key makes no key with a scope, a tenant or a later end than it has itself. A tenant has at most 100 keys.
         */
        post: operations["keys.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke an API key
         * @description Every API refuses it within 5 s. Revoking it again changes nothing.
         */
        delete: operations["keys.revoke"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replace an API key
         * @description Makes a successor with the same name, scopes, tenant and end, and ends the key after the overlap. Its rights must be among those of the key of the request.
         */
        post: operations["keys.rotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get this document */
        get: operations["document.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read this document as a page */
        get: operations["docs.page"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/page.js": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the page's script */
        get: operations["docs.script"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/page.css": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the page's style sheet */
        get: operations["docs.style"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Account: {
            /** Format: uuid */
            id: string;
            email: string;
            tenant: string;
            /** @description The Google project of its grant. */
            project: string;
            /** @enum {string} */
            state: "active" | "reauth_required" | "paused" | "disabled" | "removing";
            /** @description Why it is not active, for a person. */
            reason: string | null;
            /** @description The same for programs. */
            reasonCode: string | null;
            /** @description Its former addresses, in lower case. */
            aliases: string[];
            /** @description How the last connect session about it went. Null: there was none. */
            lastConnect: {
                outcome: string;
                /** Format: date-time */
                at: string;
            } | null;
            feed: {
                epoch: number;
                seq: number;
                oldestSeq: number;
            };
            collections: components["schemas"]["Collection"][];
        };
        Collection: {
            /** Format: uuid */
            id: string;
            /** @description What is synced: a resource, or a part of one. */
            kind: string;
            /** @description Google's name of it. */
            externalId: string;
            /** @enum {string} */
            phase: "pending" | "full" | "incremental";
            progress: {
                done: number;
                total: number | null;
                etaSeconds: number | null;
            };
            /** Format: date-time */
            lastSyncedAt: string | null;
            /** Format: date-time */
            nextSyncAt: string | null;
            error: string | null;
            /** @description Why it waits for a person or for long. */
            parked: string | null;
            /** @description Rows that a full listing lacked; they stay until another listing. */
            heldSweep: {
                rows: number;
                /** Format: date-time */
                since: string;
                /** @enum {string} */
                waitsFor: "second-listing" | "new-listing";
                /** Format: date-time */
                until: string | null;
            } | null;
            quarantined: number;
            unreadable: {
                id: string;
                /** @enum {string} */
                state: "quarantined" | "failing";
                reason: string;
                /** Format: date-time */
                since: string;
                /** Format: date-time */
                nextTryAt: string | null;
            }[];
            audit: {
                /** @description The last complete comparison with Google. */
                last: {
                    /** Format: date-time */
                    at: string;
                    checked: number;
                    contents: number;
                    drift: number;
                } | null;
                inHand: {
                    /** Format: date-time */
                    begunAt: string;
                    checked: number;
                    drift: number;
                } | null;
            };
        };
        Problem: {
            /**
             * @description Names the problem. It is stable; switch on it.
             * @example urn:syncline:problem:not-found
             */
            type: string;
            title: string;
            status: number;
            /** @description For a person. It quotes no input. */
            detail: string | null;
            /** @description The id of the request, as in the logs. */
            instance: string;
            /** @description Every mistake of the request, with `invalid-request`. */
            errors?: {
                /** @enum {string} */
                in: "path" | "query" | "header" | "body";
                /** @description Where: a parameter, or a path like `resources.0`. */
                path: string;
                message: string;
            }[];
            /** @description The scope that the key lacks, with `missing-scope`. */
            scope?: string;
        };
        ImportedLine: {
            /** @description The number of the line, from 1. */
            line: number;
            /** @enum {string} */
            result: "created" | "updated" | "refused";
            /**
             * Format: uuid
             * @description The account. Null: the line was refused.
             */
            id: string | null;
            /** @description Why it was not imported as intended. */
            problem: string | null;
            /** @description What a person should know. */
            note: string | null;
        };
        Operation: {
            /** @example op_0193f1b2c3d47e5f8a9b0c1d2e3f4a5b */
            id: string;
            /** @enum {string} */
            kind: "removal" | "verification";
            /** Format: uuid */
            accountId: string;
            /** @enum {string} */
            state: "running" | "done" | "failed";
            progress: {
                done: number;
                total: number | null;
            };
            /** @description Of a verification that is done. */
            result: {
                resources: {
                    resource: string;
                    compared: number;
                    missing: number;
                    extra: number;
                    stale: number;
                    unread: number;
                }[];
            } | null;
            /** @description Why it failed, for a person. */
            problem: string | null;
            /** Format: date-time */
            createdAt: string;
        };
        NewConnectSession: {
            id: string;
            tenant: string;
            ref: string | null;
            resources: ("gmail" | "calendar" | "contacts")[];
            returnTo: string | null;
            project: string;
            /**
             * Format: uuid
             * @description The account that is reconnected, or that was connected.
             */
            accountId: string | null;
            /**
             * @description A session that has failed may still become `connected` until it expires: the person may try again.
             * @enum {string}
             */
            state: "open" | "connected" | "failed";
            /**
             * @description How the last attempt went. Null: nothing has happened yet.
             * @enum {string|null}
             */
            outcome: "connected" | "renamed" | "partly-granted" | "nothing-granted" | "fewer-granted" | "cancelled" | "wrong-account" | "address-conflict" | "identity-unproven" | "no-lasting-permission" | "blocked" | "answer-refused" | "google-unavailable" | "account-busy" | "not-returned" | "expired" | null;
            problem: {
                /**
                 * @description Names the problem. It is stable; switch on it.
                 * @example urn:syncline:problem:scopes-missing
                 */
                type: string;
                /** @description For a person who operates the product. */
                detail: string;
                /** @description What was not ticked, with `scopes-missing`. */
                resources?: ("gmail" | "calendar" | "contacts")[];
            } | null;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            expiresAt: string;
            /** @description Opened in the end user's browser. It holds a secret and is not shown again. */
            url: string;
        };
        ConnectSession: {
            id: string;
            tenant: string;
            ref: string | null;
            resources: ("gmail" | "calendar" | "contacts")[];
            returnTo: string | null;
            project: string;
            /**
             * Format: uuid
             * @description The account that is reconnected, or that was connected.
             */
            accountId: string | null;
            /**
             * @description A session that has failed may still become `connected` until it expires: the person may try again.
             * @enum {string}
             */
            state: "open" | "connected" | "failed";
            /**
             * @description How the last attempt went. Null: nothing has happened yet.
             * @enum {string|null}
             */
            outcome: "connected" | "renamed" | "partly-granted" | "nothing-granted" | "fewer-granted" | "cancelled" | "wrong-account" | "address-conflict" | "identity-unproven" | "no-lasting-permission" | "blocked" | "answer-refused" | "google-unavailable" | "account-busy" | "not-returned" | "expired" | null;
            problem: {
                /**
                 * @description Names the problem. It is stable; switch on it.
                 * @example urn:syncline:problem:scopes-missing
                 */
                type: string;
                /** @description For a person who operates the product. */
                detail: string;
                /** @description What was not ticked, with `scopes-missing`. */
                resources?: ("gmail" | "calendar" | "contacts")[];
            } | null;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            expiresAt: string;
        };
        SyncRequest: {
            /**
             * Format: date-time
             * @description The time of the request, by the database's clock.
             */
            requestedAt: string;
            /** @description Whether runs that began after the request have left nothing behind. */
            caughtUp: boolean;
            /** @description The collections that are not caught up yet. */
            behind: {
                kind: string;
                externalId: string;
                /** @description The last error, or the state. */
                reason: string | null;
            }[];
        };
        Explanation: {
            /** Format: uuid */
            id: string;
            email: string;
            tenant: string;
            /** @description The Google project of its grant. */
            project: string;
            /** @enum {string} */
            state: "active" | "reauth_required" | "paused" | "disabled" | "removing";
            /** @description Why it is not active, for a person. */
            reason: string | null;
            /** @description The same for programs. */
            reasonCode: string | null;
            /** @description Its former addresses, in lower case. */
            aliases: string[];
            /** @description How the last connect session about it went. Null: there was none. */
            lastConnect: {
                outcome: string;
                /** Format: date-time */
                at: string;
            } | null;
            feed: {
                epoch: number;
                seq: number;
                oldestSeq: number;
            };
            resources: string[];
            collections: {
                /** Format: uuid */
                id: string;
                /** @description What is synced: a resource, or a part of one. */
                kind: string;
                /** @description Google's name of it. */
                externalId: string;
                /** @enum {string} */
                phase: "pending" | "full" | "incremental";
                progress: {
                    done: number;
                    total: number | null;
                    etaSeconds: number | null;
                };
                /** Format: date-time */
                lastSyncedAt: string | null;
                /** Format: date-time */
                nextSyncAt: string | null;
                error: string | null;
                /** @description Why it waits for a person or for long. */
                parked: string | null;
                /** @description Rows that a full listing lacked; they stay until another listing. */
                heldSweep: {
                    rows: number;
                    /** Format: date-time */
                    since: string;
                    /** @enum {string} */
                    waitsFor: "second-listing" | "new-listing";
                    /** Format: date-time */
                    until: string | null;
                } | null;
                quarantined: number;
                unreadable: {
                    id: string;
                    /** @enum {string} */
                    state: "quarantined" | "failing";
                    reason: string;
                    /** Format: date-time */
                    since: string;
                    /** Format: date-time */
                    nextTryAt: string | null;
                }[];
                audit: {
                    /** @description The last complete comparison with Google. */
                    last: {
                        /** Format: date-time */
                        at: string;
                        checked: number;
                        contents: number;
                        drift: number;
                    } | null;
                    inHand: {
                        /** Format: date-time */
                        begunAt: string;
                        checked: number;
                        drift: number;
                    } | null;
                };
                state: string;
                /** Format: date-time */
                fullSyncStartedAt: string | null;
                /** Format: date-time */
                requestedAt: string | null;
                /** Format: date-time */
                caughtUpAt: string | null;
                /** Format: date-time */
                leaseUntil: string | null;
                leaseHolder: string | null;
                failures: number;
                watch: {
                    /** @enum {string} */
                    state: "requested" | "on" | "off" | "unwatchable" | "refused";
                    silent: boolean;
                    /** Format: date-time */
                    expiresAt: string | null;
                    /** Format: date-time */
                    dueAt: string;
                    /** Format: date-time */
                    lastNotifiedAt: string | null;
                    error: string | null;
                } | null;
                /** @description A sync was requested and is not done. */
                requested: boolean;
                /** @description A worker syncs it now. */
                held: boolean;
                /** @description The reason for its state, for a person. */
                why: string;
            }[];
            /** @description Quota spent on Google's current day. */
            spentToday: {
                method: string;
                calls: number;
                units: number;
            }[];
        };
        AccountEvent: {
            /** @description Rises in the order in which events were written. */
            id: string;
            /** Format: date-time */
            at: string;
            /** @description Such as `account_state_changed`, `full_sync_finished` or `errors_started`. */
            kind: string;
            /** @description The collection that it is about; its kind and id at Google are null when it does not exist any more. Null: the account, or many accounts. */
            collection: {
                /** Format: uuid */
                id: string;
                kind: string | null;
                externalId: string | null;
            } | null;
            /** @description Who caused it: `key ID` or `command NAME`; null is Syncline itself. */
            actor: string | null;
            /** @description The fields of its kind. */
            detail: {
                [key: string]: unknown;
            };
            /** @description The same for a person. */
            text: string;
        };
        Message: {
            id: string;
            threadId: string;
            /** @description Sorted. */
            labelIds: string[];
            /** @description Milliseconds since the epoch, as Google writes them. */
            internalDate: string | null;
            /** @description Null for drafts. */
            sizeEstimate: number | null;
            snippet: string;
            subject: string | null;
            /** @description The header's value, decoded. */
            from: string | null;
            to: string | null;
            cc: string | null;
            date: string | null;
            /** @description The header Message-ID. */
            messageId: string | null;
            /** @description Null unless `include` has `text`. */
            text: string | null;
            /** @description Null unless `include` has `html`. */
            html: string | null;
            attachments: {
                partId: string;
                filename: string;
                mimeType: string;
                size: number;
            }[];
            /** @description Google's fields without a column: the part tree with every header. Null unless `include` has `resource`. */
            resource: {
                [key: string]: unknown;
            } | null;
        };
        Freshness: {
            /**
             * Format: date-time
             * @description The mirror has what Google had at this time. Null before the first sync has ended.
             */
            asOf: string | null;
            /** @description The age of `asOf`. */
            lagMs: number | null;
            /** @enum {string} */
            phase: "pending" | "full" | "incremental";
            /** @description False while the first sync, or an extension of the mirrored time range, has not ended. */
            complete: boolean;
            /** @description Whether it is as fresh as `freshWithin` asks for; null without it. */
            fresh: boolean | null;
            /**
             * @description Why it is not: the state of the account; not mirrored, or parked; `failing`: the next try is later; `full-sync`: not done in time; `wait-over`.
             * @enum {string|null}
             */
            why: "reauth_required" | "paused" | "disabled" | "removing" | "not-mirrored" | "parked" | "failing" | "full-sync" | "wait-over" | null;
        };
        Thread: {
            id: string;
            messageCount: number;
            /** Format: date-time */
            firstMessageAt: string | null;
            /** Format: date-time */
            lastMessageAt: string | null;
        };
        Label: {
            id: string;
            name: string;
            type: string;
            /** @description The label as Google gives it. */
            resource: {
                [key: string]: unknown;
            };
        };
        Calendar: {
            id: string;
            summary: string | null;
            timeZone: string | null;
            accessRole: string | null;
            isPrimary: boolean;
            /** @description The entry of the calendar list as Google gives it. */
            resource: {
                [key: string]: unknown;
            };
        };
        Event: {
            calendarId: string;
            /** @description The event as Google last gave it. */
            event: {
                [key: string]: unknown;
            };
        };
        Instance: {
            calendarId: string;
            /** @description The event as Google gives it with `singleEvents=true`: an instance has the fields of its series that it has no own ones for. */
            event: {
                [key: string]: unknown;
            };
            /**
             * Format: date-time
             * @description The instant of its start; an all-day event begins at midnight of the calendar's zone.
             */
            start: string;
            /** Format: date-time */
            end: string;
            /** @description The id of its series. */
            masterId: string | null;
            /**
             * Format: date-time
             * @description When its series had it.
             */
            originalStart: string | null;
        };
        FreeBusy: {
            /** Format: date-time */
            timeMin: string;
            /** Format: date-time */
            timeMax: string;
            /** @description In the order of the request. */
            accounts: components["schemas"]["BusyAccount"][];
            /** @description When any of the accounts is busy, with `merge`. */
            busy: {
                /** Format: date-time */
                start: string;
                /** Format: date-time */
                end: string;
            }[] | null;
        };
        BusyAccount: {
            /** Format: uuid */
            accountId: string;
            /** @description In order, without overlaps. */
            busy: {
                /** Format: date-time */
                start: string;
                /** Format: date-time */
                end: string;
            }[];
            /** @description Null where nothing was read. */
            freshness: components["schemas"]["Freshness"] | null;
            /** @description What the intervals do not have, and why. */
            excluded: {
                /** @description As the request names it. Null: the whole account. */
                calendarId: string | null;
                /** @enum {string} */
                reason: "no-account" | "no-calendar" | "too-much-work";
            }[];
        };
        Contact: {
            /** @enum {string} */
            kind: "person" | "other" | "group";
            /** @description The person or the group as Google last gave it. */
            resource: {
                [key: string]: unknown;
            };
        };
        Changes: {
            data: components["schemas"]["Change"][];
            /** @description The `after` of the next request, also when `data` is empty. */
            next: number;
            /** @description The epoch of these numbers. */
            epoch: number;
            /** @description The oldest number that is kept. */
            oldestSeq: number;
        };
        Change: {
            /** @description Its number: one more than the number before. */
            seq: number;
            /**
             * @description What kind of row changed.
             * @example message
             * @example label
             * @example calendar
             * @example event
             * @example account
             * @example collection
             */
            entity: string;
            /** @description Google's id of it; the id of an account or a collection is that of its document. */
            id: string;
            /** @description Of an event: its calendar, within which its id is unique. */
            calendarId: string | null;
            /** @enum {string} */
            op: "created" | "updated" | "deleted";
            /**
             * @description What found the change: an incremental sync, a full sync, or a repair (an audit, a verification, items that were requested again). What happens to an account or a collection, and what is erased by request, is `live`.
             * @enum {string}
             */
            origin: "live" | "full_sync" | "repair";
            /** Format: date-time */
            at: string;
        };
        TenantChanges: {
            data: components["schemas"]["TenantChange"][];
            /**
             * @description The `after` of the next request, also when `data` is empty.
             * @example 1.81422
             */
            next: string;
        };
        TenantChange: {
            /** @description Its number: one more than the number before. */
            seq: number;
            /**
             * @description What kind of row changed.
             * @example message
             * @example label
             * @example calendar
             * @example event
             * @example account
             * @example collection
             */
            entity: string;
            /** @description Google's id of it; the id of an account or a collection is that of its document. */
            id: string;
            /** @description Of an event: its calendar, within which its id is unique. */
            calendarId: string | null;
            /** @enum {string} */
            op: "created" | "updated" | "deleted";
            /**
             * @description What found the change: an incremental sync, a full sync, or a repair (an audit, a verification, items that were requested again). What happens to an account or a collection, and what is erased by request, is `live`.
             * @enum {string}
             */
            origin: "live" | "full_sync" | "repair";
            /** Format: date-time */
            at: string;
            /**
             * @description Its place, by which a reader goes on.
             * @example 1.81422
             */
            position: string;
            /**
             * Format: uuid
             * @description The id of its account.
             */
            account: string;
            /** @description The tenant of the account. */
            tenant: string;
            /** @description The epoch of `seq`. */
            epoch: number;
        };
        QuarantinedItem: {
            /** Format: uuid */
            accountId: string;
            email: string;
            tenant: string;
            kind: string;
            externalId: string;
            itemId: string;
            reason: string;
            attempts: number;
            /** Format: date-time */
            firstAt: string;
            /** Format: date-time */
            lastAt: string;
            /**
             * Format: date-time
             * @description Null: only a retry by request.
             */
            retryAt: string | null;
        };
        QuotaReport: {
            /** @description Google's current day, which ends at midnight Pacific time. */
            today: {
                byMethod: {
                    method: string;
                    calls: number;
                    units: number;
                }[];
                /** @description Those that spent most, at most 500. */
                byAccount: {
                    /** Format: uuid */
                    accountId: string;
                    email: string;
                    tenant: string;
                    /** Format: uuid */
                    identityId: string | null;
                    project: string;
                    units: {
                        [key: string]: number;
                    };
                }[];
                byProject: {
                    project: string;
                    units: {
                        [key: string]: number;
                    };
                }[];
            };
            /** @description The present minute by project and API. Null for a key of one tenant, where the API has no OAuth client, and while Redis does not answer. */
            usage: {
                [key: string]: {
                    [key: string]: {
                        project: {
                            used: number;
                            limit: number;
                            /** @description Above 0 while Google refuses calls. */
                            closedForMs: number;
                            pacePercent: number;
                        };
                        /** @description By Google identity, or account. */
                        users: {
                            [key: string]: {
                                used: number;
                                limit: number;
                                /** @description Above 0 while Google refuses calls. */
                                closedForMs: number;
                                pacePercent: number;
                            };
                        };
                        day?: {
                            day: string;
                            used: number;
                            limit: number;
                            bulkBound: number;
                            onboardingBound: number;
                            endsInMs: number;
                        };
                    };
                };
            } | null;
            /** @description Full syncs that have not ended, at most 500. */
            fullSyncs: {
                email: string;
                tenant: string;
                collection: string;
                done: number;
                total: number | null;
                etaSeconds: number | null;
            }[];
            fullSyncsEndInSeconds: number | null;
        };
        QuotaPlan: {
            fleet: {
                [key: string]: number | string | boolean | null;
            };
            quotas: {
                [key: string]: number | string;
            };
            onboarding: {
                unitsPerMessage: number;
                unitsPerMailbox: number;
                unitsPerProject: number;
                calendarRequestsPerAccount: number;
                /** @description Of contacts. */
                peopleRequestsPerAccount: number;
                /** @description Google also counts these by a quota that it does not publish. */
                peopleFirstPagesPerAccount: number;
                /** @description 0: within the first minute. */
                mailboxSeconds: number;
                /** @description Null: the incremental syncs leave nothing of the day. */
                fleetSeconds: number | null;
                /** @enum {string} */
                boundBy: "user a minute" | "project a minute" | "project a day";
                /** @description 0: within the first minute. */
                peopleSeconds: number;
                /** @description 0: within the first minute. */
                peopleFleetSeconds: number;
            };
            steady: {
                polls: number;
                changes: number;
                watches: number;
                audits: number;
                unitsPerAccountDay: number;
                unitsPerProjectDay: number;
                shareOfDay: number;
                peopleRequestsPerAccountDay: number;
            };
            projectsNeeded: {
                forSteadyState: number;
                /** @description Null: no number suffices. */
                forOnboarding: number | null;
            };
        };
        ApiKey: {
            id: string;
            name: string;
            /** @description Null: every tenant. */
            tenant: string | null;
            scopes: ("accounts:read" | "accounts:write" | "connect:write" | "mail:metadata" | "mail:content" | "calendar:read" | "contacts:read" | "feed:read" | "ops:read" | "ops:write" | "keys:write")[];
            /** Format: date-time */
            createdAt: string;
            /** @description The id of the key that made it; null: an operator. */
            createdBy: string | null;
            /** Format: date-time */
            expiresAt: string | null;
            /**
             * Format: date-time
             * @description To the minute.
             */
            lastUsedAt: string | null;
            /** Format: date-time */
            revokedAt: string | null;
            /** @description The key that has replaced it; it ends at `expiresAt`. */
            successorId: string | null;
        };
        NewApiKey: {
            id: string;
            name: string;
            /** @description Null: every tenant. */
            tenant: string | null;
            scopes: ("accounts:read" | "accounts:write" | "connect:write" | "mail:metadata" | "mail:content" | "calendar:read" | "contacts:read" | "feed:read" | "ops:read" | "ops:write" | "keys:write")[];
            /** Format: date-time */
            createdAt: string;
            /** @description The id of the key that made it; null: an operator. */
            createdBy: string | null;
            /** Format: date-time */
            expiresAt: string | null;
            /**
             * Format: date-time
             * @description To the minute.
             */
            lastUsedAt: string | null;
            /** Format: date-time */
            revokedAt: string | null;
            /** @description The key that has replaced it; it ends at `expiresAt`. */
            successorId: string | null;
            /** @description The key itself. It cannot be shown again. */
            key: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    "accounts.list": {
        parameters: {
            query?: {
                /** @description Most rows of a page. */
                limit?: number;
                /** @description The `next` of the page before. Refused with other filters. */
                cursor?: string;
                tenant?: string;
                /** @description Compared without case. */
                email?: string;
                state?: "active" | "reauth_required" | "paused" | "disabled" | "removing";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of accounts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Account"][];
                        /** @description The cursor of the next page. Only null is the end. */
                        next: string | null;
                    };
                };
            };
            /** @description `invalid-request`: The request is not valid; `bad-cursor`: The cursor does not belong to this list */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "accounts.create": {
        parameters: {
            query?: {
                /** @description Whether to ask Google whose the grant is. */
                verify?: boolean;
            };
            header?: {
                /** @description A repeated request with the same key gets the answer of the first one, for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    email: string;
                    /** @description Wanted unless there is a `delegation`. */
                    refreshToken?: string;
                    /** @description The name of the delegation of the tenant by which a service account acts for the account, in place of a refresh token. */
                    delegation?: string;
                    /** @description Default: the key's tenant; `default` for a key of all tenants. */
                    tenant?: string;
                    /** @description Omitted: the usual ones; a known account keeps its own. */
                    resources?: ("gmail" | "calendar" | "contacts")[];
                    /** @description The Google project whose client the token was issued to. */
                    project?: string;
                };
                "application/x-ndjson": {
                    email: string;
                    /** @description Wanted unless there is a `delegation`. */
                    refreshToken?: string;
                    /** @description The name of the delegation of the tenant by which a service account acts for the account, in place of a refresh token. */
                    delegation?: string;
                    /** @description Default: the key's tenant; `default` for a key of all tenants. */
                    tenant?: string;
                    /** @description Omitted: the usual ones; a known account keeps its own. */
                    resources?: ("gmail" | "calendar" | "contacts")[];
                    /** @description The Google project whose client the token was issued to. */
                    project?: string;
                };
            };
        };
        responses: {
            /** @description The account was known; its grant is renewed. Of lines: their results */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                    "application/x-ndjson": components["schemas"]["ImportedLine"];
                };
            };
            /** @description The account is connected */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "accounts.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The account */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "accounts.remove": {
        parameters: {
            query?: {
                /** @description Leave the grant alive at Google. */
                keepGrant?: boolean;
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The removal has begun */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "accounts.update": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    paused: boolean;
                };
            };
        };
        responses: {
            /** @description The account */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "connectSessions.create": {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key gets the answer of the first one, for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Default: the key's tenant; `default` for a key of all tenants. */
                    tenant?: string;
                    /** @description Your name of the user; it comes back with the session. */
                    ref?: string | null;
                    /** @description Omitted: the usual ones; those that an account to reconnect has. */
                    resources?: ("gmail" | "calendar" | "contacts")[];
                    /** @description Where the browser goes afterwards, with `connect` (the id) and `result` (the outcome) in its query. It must be on the list CONNECT_RETURN_TO. */
                    returnTo?: string | null;
                    /**
                     * Format: uuid
                     * @description The account to reconnect.
                     */
                    accountId?: string | null;
                    /** @description The Google project whose client asks. Default: `default`. */
                    project?: string;
                    /** @default 900 */
                    expiresInSeconds?: number;
                };
            };
        };
        responses: {
            /** @description The session, with its link */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewConnectSession"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "connectSessions.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectSession"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "accounts.sync": {
        parameters: {
            query?: {
                /** @description Wait for the result for so long. */
                wait?: string;
            };
            header?: {
                /** @description A repeated request with the same key gets the answer of the first one, for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description The id of the account. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description Omitted: all that the account has. */
                    resources?: ("gmail" | "calendar" | "contacts")[];
                    /**
                     * @description List everything again; rows stay readable meanwhile.
                     * @default false
                     */
                    full?: boolean;
                };
            };
        };
        responses: {
            /** @description Caught up */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SyncRequest"];
                };
            };
            /** @description Requested, and not caught up yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SyncRequest"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "accounts.why": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The account, explained */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Explanation"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "accounts.events": {
        parameters: {
            query?: {
                /** @description Most rows of a page. */
                limit?: number;
                /** @description The `next` of the page before. Refused with other filters. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["AccountEvent"][];
                        /** @description The cursor of the next page. Only null is the end. */
                        next: string | null;
                    };
                };
            };
            /** @description `invalid-request`: The request is not valid; `bad-cursor`: The cursor does not belong to this list */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "messages.list": {
        parameters: {
            query?: {
                /** @description Most rows of a page. */
                limit?: number;
                /** @description The `next` of the page before. Refused with other filters. */
                cursor?: string;
                /** @description Rows that are older than that are synced first. The syncs of several readers are one. */
                freshWithin?: string;
                /** @description With `freshWithin`: wait for so long; default 10s. */
                wait?: string;
                /** @description With `freshWithin`: what happens when the rows are not fresh in time: the answer has `fresh: false`, or it is the problem `not-fresh-enough`. */
                onStale?: "answer" | "fail";
                /** @description Content to add, separated by commas: `text`, `html`, `resource`. Needs the scope `mail:content`. */
                include?: string;
                /** @description The id of a label that the messages have. */
                label?: string;
                thread?: string;
                /** @description A whole address, or `@domain`. ASCII letters compare without case. */
                from?: string;
                /** @description A whole address, or `@domain`. ASCII letters compare without case. */
                to?: string;
                /** @description Received at this time or later. */
                after?: string;
                /** @description Received before this time. */
                before?: string;
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of messages */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Message"][];
                        /** @description The cursor of the next page. Only null is the end. */
                        next: string | null;
                        /** @description The position in the change feed: the rows, with the events after the `seq` of the first page, are the mirror. */
                        seq: number;
                        /** @description The epoch of `seq`. */
                        epoch: number;
                        freshness: components["schemas"]["Freshness"];
                    };
                };
            };
            /** @description `invalid-request`: The request is not valid; `bad-cursor`: The cursor does not belong to this list */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "messages.get": {
        parameters: {
            query?: {
                /** @description Rows that are older than that are synced first. The syncs of several readers are one. */
                freshWithin?: string;
                /** @description With `freshWithin`: wait for so long; default 10s. */
                wait?: string;
                /** @description With `freshWithin`: what happens when the rows are not fresh in time: the answer has `fresh: false`, or it is the problem `not-fresh-enough`. */
                onStale?: "answer" | "fail";
                /** @description Content to add, separated by commas: `text`, `html`, `resource`. Needs the scope `mail:content`. */
                include?: string;
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
                messageId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The message */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Message"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "threads.list": {
        parameters: {
            query?: {
                /** @description Most rows of a page. */
                limit?: number;
                /** @description The `next` of the page before. Refused with other filters. */
                cursor?: string;
                /** @description Rows that are older than that are synced first. The syncs of several readers are one. */
                freshWithin?: string;
                /** @description With `freshWithin`: wait for so long; default 10s. */
                wait?: string;
                /** @description With `freshWithin`: what happens when the rows are not fresh in time: the answer has `fresh: false`, or it is the problem `not-fresh-enough`. */
                onStale?: "answer" | "fail";
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of threads */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Thread"][];
                        /** @description The cursor of the next page. Only null is the end. */
                        next: string | null;
                        /** @description The position in the change feed: the rows, with the events after the `seq` of the first page, are the mirror. */
                        seq: number;
                        /** @description The epoch of `seq`. */
                        epoch: number;
                        freshness: components["schemas"]["Freshness"];
                    };
                };
            };
            /** @description `invalid-request`: The request is not valid; `bad-cursor`: The cursor does not belong to this list */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "threads.get": {
        parameters: {
            query?: {
                /** @description Rows that are older than that are synced first. The syncs of several readers are one. */
                freshWithin?: string;
                /** @description With `freshWithin`: wait for so long; default 10s. */
                wait?: string;
                /** @description With `freshWithin`: what happens when the rows are not fresh in time: the answer has `fresh: false`, or it is the problem `not-fresh-enough`. */
                onStale?: "answer" | "fail";
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
                threadId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The thread */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Thread"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "labels.list": {
        parameters: {
            query?: {
                /** @description Most rows of a page. */
                limit?: number;
                /** @description The `next` of the page before. Refused with other filters. */
                cursor?: string;
                /** @description Rows that are older than that are synced first. The syncs of several readers are one. */
                freshWithin?: string;
                /** @description With `freshWithin`: wait for so long; default 10s. */
                wait?: string;
                /** @description With `freshWithin`: what happens when the rows are not fresh in time: the answer has `fresh: false`, or it is the problem `not-fresh-enough`. */
                onStale?: "answer" | "fail";
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of labels */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Label"][];
                        /** @description The cursor of the next page. Only null is the end. */
                        next: string | null;
                        /** @description The position in the change feed: the rows, with the events after the `seq` of the first page, are the mirror. */
                        seq: number;
                        /** @description The epoch of `seq`. */
                        epoch: number;
                        freshness: components["schemas"]["Freshness"];
                    };
                };
            };
            /** @description `invalid-request`: The request is not valid; `bad-cursor`: The cursor does not belong to this list */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "messages.source": {
        parameters: {
            query?: {
                /** @description Rows that are older than that are synced first. The syncs of several readers are one. */
                freshWithin?: string;
                /** @description With `freshWithin`: wait for so long; default 10s. */
                wait?: string;
                /** @description With `freshWithin`: what happens when the rows are not fresh in time: the answer has `fresh: false`, or it is the problem `not-fresh-enough`. */
                onStale?: "answer" | "fail";
                /** @description Get it from Google where the mirror does not keep it. */
                fetch?: boolean;
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
                messageId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The source */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "message/rfc822": string;
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "attachments.get": {
        parameters: {
            query?: {
                /** @description Rows that are older than that are synced first. The syncs of several readers are one. */
                freshWithin?: string;
                /** @description With `freshWithin`: wait for so long; default 10s. */
                wait?: string;
                /** @description With `freshWithin`: what happens when the rows are not fresh in time: the answer has `fresh: false`, or it is the problem `not-fresh-enough`. */
                onStale?: "answer" | "fail";
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
                messageId: string;
                partId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The attachment */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                    "application/pdf": string;
                    "application/zip": string;
                    "application/msword": string;
                    "application/vnd.ms-excel": string;
                    "application/vnd.ms-powerpoint": string;
                    "application/vnd.oasis.opendocument.spreadsheet": string;
                    "application/vnd.oasis.opendocument.text": string;
                    "application/vnd.openxmlformats-officedocument.presentationml.presentation": string;
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": string;
                    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": string;
                    "audio/mpeg": string;
                    "image/gif": string;
                    "image/jpeg": string;
                    "image/png": string;
                    "image/webp": string;
                    "message/rfc822": string;
                    "text/calendar": string;
                    "text/csv": string;
                    "text/plain": string;
                    "video/mp4": string;
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "calendars.list": {
        parameters: {
            query?: {
                /** @description Most rows of a page. */
                limit?: number;
                /** @description The `next` of the page before. Refused with other filters. */
                cursor?: string;
                /** @description Rows that are older than that are synced first. The syncs of several readers are one. */
                freshWithin?: string;
                /** @description With `freshWithin`: wait for so long; default 10s. */
                wait?: string;
                /** @description With `freshWithin`: what happens when the rows are not fresh in time: the answer has `fresh: false`, or it is the problem `not-fresh-enough`. */
                onStale?: "answer" | "fail";
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of calendars */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Calendar"][];
                        /** @description The cursor of the next page. Only null is the end. */
                        next: string | null;
                        /** @description The position in the change feed: the rows, with the events after the `seq` of the first page, are the mirror. */
                        seq: number;
                        /** @description The epoch of `seq`. */
                        epoch: number;
                        freshness: components["schemas"]["Freshness"];
                    };
                };
            };
            /** @description `invalid-request`: The request is not valid; `bad-cursor`: The cursor does not belong to this list */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "events.list": {
        parameters: {
            query?: {
                /** @description Most rows of a page. */
                limit?: number;
                /** @description The `next` of the page before. Refused with other filters. */
                cursor?: string;
                /** @description Rows that are older than that are synced first. The syncs of several readers are one. */
                freshWithin?: string;
                /** @description With `freshWithin`: wait for so long; default 10s. */
                wait?: string;
                /** @description With `freshWithin`: what happens when the rows are not fresh in time: the answer has `fresh: false`, or it is the problem `not-fresh-enough`. */
                onStale?: "answer" | "fail";
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
                /** @description `primary` names the primary calendar. */
                calendarId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Event"][];
                        /** @description The cursor of the next page. Only null is the end. */
                        next: string | null;
                        /** @description The position in the change feed: the rows, with the events after the `seq` of the first page, are the mirror. */
                        seq: number;
                        /** @description The epoch of `seq`. */
                        epoch: number;
                        freshness: components["schemas"]["Freshness"];
                    };
                };
            };
            /** @description `invalid-request`: The request is not valid; `bad-cursor`: The cursor does not belong to this list */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "events.get": {
        parameters: {
            query?: {
                /** @description Rows that are older than that are synced first. The syncs of several readers are one. */
                freshWithin?: string;
                /** @description With `freshWithin`: wait for so long; default 10s. */
                wait?: string;
                /** @description With `freshWithin`: what happens when the rows are not fresh in time: the answer has `fresh: false`, or it is the problem `not-fresh-enough`. */
                onStale?: "answer" | "fail";
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
                /** @description `primary` names the primary calendar. */
                calendarId: string;
                eventId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The event */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Event"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "instances.list": {
        parameters: {
            query: {
                /** @description Events that end after this time. */
                timeMin: string;
                /** @description Events that start before this time. */
                timeMax: string;
                /** @description Rows that are older than that are synced first. The syncs of several readers are one. */
                freshWithin?: string;
                /** @description With `freshWithin`: wait for so long; default 10s. */
                wait?: string;
                /** @description With `freshWithin`: what happens when the rows are not fresh in time: the answer has `fresh: false`, or it is the problem `not-fresh-enough`. */
                onStale?: "answer" | "fail";
                /** @description The `next` of the page before. Refused with other filters. */
                cursor?: string;
                /** @description Most instances of a page. */
                limit?: number;
                /** @description Ids of calendars, separated by commas; `primary` is one. Omitted: all of them. */
                calendars?: string;
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of instances */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Instance"][];
                        /** @description The cursor of the next page. Only null is the end. */
                        next: string | null;
                        /** @description The position in the change feed: the rows, with the events after the `seq` of the first page, are the mirror. */
                        seq: number;
                        /** @description The epoch of `seq`. */
                        epoch: number;
                        freshness: components["schemas"]["Freshness"];
                        /** @description Whether a rule takes more work than one request may, so that instances of its series are missing. A shorter range may have them. */
                        truncated: boolean;
                    };
                };
            };
            /** @description `invalid-request`: The request is not valid; `bad-cursor`: The cursor does not belong to this list */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "instances.ofCalendar": {
        parameters: {
            query: {
                /** @description Events that end after this time. */
                timeMin: string;
                /** @description Events that start before this time. */
                timeMax: string;
                /** @description Rows that are older than that are synced first. The syncs of several readers are one. */
                freshWithin?: string;
                /** @description With `freshWithin`: wait for so long; default 10s. */
                wait?: string;
                /** @description With `freshWithin`: what happens when the rows are not fresh in time: the answer has `fresh: false`, or it is the problem `not-fresh-enough`. */
                onStale?: "answer" | "fail";
                /** @description The `next` of the page before. Refused with other filters. */
                cursor?: string;
                /** @description Most instances of a page. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
                /** @description `primary` names the primary calendar. */
                calendarId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of instances */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Instance"][];
                        /** @description The cursor of the next page. Only null is the end. */
                        next: string | null;
                        /** @description The position in the change feed: the rows, with the events after the `seq` of the first page, are the mirror. */
                        seq: number;
                        /** @description The epoch of `seq`. */
                        epoch: number;
                        freshness: components["schemas"]["Freshness"];
                        /** @description Whether a rule takes more work than one request may, so that instances of its series are missing. A shorter range may have them. */
                        truncated: boolean;
                    };
                };
            };
            /** @description `invalid-request`: The request is not valid; `bad-cursor`: The cursor does not belong to this list */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "freeBusy.query": {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key gets the answer of the first one, for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    accounts: string[];
                    /**
                     * @description Ids of calendars of each account; `primary` is one.
                     * @default [
                     *       "primary"
                     *     ]
                     */
                    calendars?: string[];
                    /**
                     * Format: date-time
                     * @description Events that end after this time.
                     */
                    timeMin: string;
                    /**
                     * Format: date-time
                     * @description Events that start before this time.
                     */
                    timeMax: string;
                    /**
                     * @description Whether to add when any of the accounts is busy.
                     * @default false
                     */
                    merge?: boolean;
                };
            };
        };
        responses: {
            /** @description When they are busy */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FreeBusy"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "contacts.list": {
        parameters: {
            query?: {
                /** @description Most rows of a page. */
                limit?: number;
                /** @description The `next` of the page before. Refused with other filters. */
                cursor?: string;
                /** @description Rows that are older than that are synced first. The syncs of several readers are one. */
                freshWithin?: string;
                /** @description With `freshWithin`: wait for so long; default 10s. */
                wait?: string;
                /** @description With `freshWithin`: what happens when the rows are not fresh in time: the answer has `fresh: false`, or it is the problem `not-fresh-enough`. */
                onStale?: "answer" | "fail";
                /** @description Omitted: the people, the other contacts and the groups. */
                kind?: "person" | "other" | "group";
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of contacts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Contact"][];
                        /** @description The cursor of the next page. Only null is the end. */
                        next: string | null;
                        /** @description The position in the change feed: the rows, with the events after the `seq` of the first page, are the mirror. */
                        seq: number;
                        /** @description The epoch of `seq`. */
                        epoch: number;
                        freshness: components["schemas"]["Freshness"];
                    };
                };
            };
            /** @description `invalid-request`: The request is not valid; `bad-cursor`: The cursor does not belong to this list */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "contacts.get": {
        parameters: {
            query?: {
                /** @description Rows that are older than that are synced first. The syncs of several readers are one. */
                freshWithin?: string;
                /** @description With `freshWithin`: wait for so long; default 10s. */
                wait?: string;
                /** @description With `freshWithin`: what happens when the rows are not fresh in time: the answer has `fresh: false`, or it is the problem `not-fresh-enough`. */
                onStale?: "answer" | "fail";
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
                /** @description The resource name with its slash encoded: `people%2Fc123`. */
                contactId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The contact */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Contact"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "changes.list": {
        parameters: {
            query?: {
                /** @description The last number that was applied. */
                after?: number;
                /** @description The epoch of `after`, which needs it beyond 0. */
                epoch?: number;
                /** @description Most events of a page. */
                limit?: number;
                /** @description Wait for the result for so long. */
                wait?: string;
            };
            header?: {
                /** @description The id of the last event that was received; it replaces `after` and `epoch`. */
                "Last-Event-ID"?: string;
            };
            path: {
                /** @description The id of the account. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of events, or a stream of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Changes"];
                    "application/x-ndjson": string;
                    "text/event-stream": string;
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "changes.all": {
        parameters: {
            query?: {
                /** @description The place of the last event that was applied. `0` is the beginning of the current epoch, `latest` the end: a page of it has no events, and its `next` is where a reader begins before it lists the mirror. */
                after?: string;
                /** @description Most events of a page. */
                limit?: number;
                /** @description Wait for the result for so long. */
                wait?: string;
            };
            header?: {
                /** @description The id of the last event that was received; it replaces `after`. */
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of events, or a stream of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantChanges"];
                    "application/x-ndjson": string;
                    "text/event-stream": string;
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "operations.get": {
        parameters: {
            query?: {
                /** @description Wait for the result for so long. */
                wait?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operation */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "verifications.list": {
        parameters: {
            query?: {
                /** @description Most rows of a page. */
                limit?: number;
                /** @description The `next` of the page before. Refused with other filters. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description The id of the account. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of operations */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Operation"][];
                        /** @description The cursor of the next page. Only null is the end. */
                        next: string | null;
                    };
                };
            };
            /** @description `invalid-request`: The request is not valid; `bad-cursor`: The cursor does not belong to this list */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "verifications.create": {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key gets the answer of the first one, for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description The id of the account. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description Omitted: all that the account has. */
                    resources?: ("gmail" | "calendar" | "contacts")[];
                    /** @description Of a mailbox, compare listings and the content of so many messages only. */
                    sample?: number;
                };
            };
        };
        responses: {
            /** @description The verification will be run */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "quarantine.list": {
        parameters: {
            query?: {
                /** @description Most rows of a page. */
                limit?: number;
                /** @description The `next` of the page before. Refused with other filters. */
                cursor?: string;
                /** @description The id of the account. */
                account?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of items */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["QuarantinedItem"][];
                        /** @description The cursor of the next page. Only null is the end. */
                        next: string | null;
                    };
                };
            };
            /** @description `invalid-request`: The request is not valid; `bad-cursor`: The cursor does not belong to this list */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "quarantine.retry": {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key gets the answer of the first one, for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * Format: uuid
                     * @description The id of the account.
                     */
                    account: string;
                    /** @description Omitted: all of the account. */
                    ids?: string[];
                };
            };
        };
        responses: {
            /** @description How many are read again */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        retried: number;
                        /** @description Named items that are not in quarantine. */
                        unknown: number;
                    };
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "quarantine.drop": {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key gets the answer of the first one, for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * Format: uuid
                     * @description The id of the account.
                     */
                    account: string;
                    ids: string[];
                };
            };
        };
        responses: {
            /** @description How many were dropped */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        dropped: number;
                        unknown: number;
                    };
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "quota.get": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The report */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QuotaReport"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "quota.plan": {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key gets the answer of the first one, for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * Format: uuid
                     * @description An account whose mirror has the figures; in place of the others.
                     */
                    account?: string;
                    accounts?: number;
                    /** @description Of a mailbox, on average. */
                    messages?: number;
                    /** @description Messages of a thread, on average. Default: 1. */
                    threads?: number;
                    /** @description Of an account. Default: 3. */
                    calendars?: number;
                    /** @description Contacts and other contacts of an account. Omitted: they are not mirrored. */
                    contacts?: number;
                    /** @default 1 */
                    projects?: number;
                    /**
                     * @description New messages of an account a day.
                     * @default 50
                     */
                    daily?: number;
                    /**
                     * @description Hours of a day in which something changes in an account.
                     * @default 8
                     */
                    activeHours?: number;
                    /**
                     * @description Days in which the onboarding shall be over.
                     * @default 30
                     */
                    within?: number;
                    /** @default true */
                    watches?: boolean;
                    /**
                     * @description Default: what this deployment keeps.
                     * @enum {string}
                     */
                    bodies?: "full" | "raw" | "text" | "none";
                    /**
                     * @description Default: this deployment's prices and limits.
                     * @enum {string}
                     */
                    tier?: "new" | "legacy";
                };
            };
        };
        responses: {
            /** @description The plan */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QuotaPlan"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "keys.list": {
        parameters: {
            query?: {
                /** @description Most rows of a page. */
                limit?: number;
                /** @description The `next` of the page before. Refused with other filters. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of keys */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["ApiKey"][];
                        /** @description The cursor of the next page. Only null is the end. */
                        next: string | null;
                    };
                };
            };
            /** @description `invalid-request`: The request is not valid; `bad-cursor`: The cursor does not belong to this list */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "keys.create": {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key gets the answer of the first one, for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description For people: who uses it. */
                    name: string;
                    scopes: ("accounts:read" | "accounts:write" | "connect:write" | "mail:metadata" | "mail:content" | "calendar:read" | "contacts:read" | "feed:read" | "ops:read" | "ops:write" | "keys:write")[];
                    /** @description Null: every tenant. Omitted: as the key of the request. */
                    tenant?: string | null;
                    /**
                     * Format: date-time
                     * @description Null: never. Omitted: as the key of the request.
                     */
                    expiresAt?: string | null;
                };
            };
        };
        responses: {
            /** @description The key */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewApiKey"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "keys.revoke": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The revoked key */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKey"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "keys.rotate": {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key gets the answer of the first one, for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /**
                     * @description For so long both keys are accepted.
                     * @default 86400
                     */
                    overlapSeconds?: number;
                };
            };
        };
        responses: {
            /** @description The successor */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewApiKey"];
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "document.get": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The OpenAPI document */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        openapi: string;
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "docs.page": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "docs.script": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/javascript": string;
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "docs.style": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/css": string;
                };
            };
            /** @description `invalid-request`: The request is not valid */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
