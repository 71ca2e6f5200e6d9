-- What the address headers name, parsed. Null on rows of earlier versions, until they are written again or `syncline addresses` has read their stored headers.
ALTER TABLE "gmail_messages" ADD COLUMN "addresses" JSONB;
