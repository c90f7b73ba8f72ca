/** What the service puts before the service worker (functions/web/files.py): the files of this version. */
declare const PAGE: { version: string; root: string; files: string[] };
