/** Flags that say where a new home's key comes from, and where its words go. */
export const keyOriginFlags = {
  'import-key-file': {
    type: 'string',
    requiresArg: true,
    describe: 'File with a private key (hexadecimal) to import instead of creating one',
  },
  'import-mnemonic-file': {
    type: 'string',
    requiresArg: true,
    conflicts: 'import-key-file',
    describe: 'File with the words of a backup to import instead of creating a key',
  },
  'backup-file': {
    type: 'string',
    requiresArg: true,
    describe: 'Write the words of the new key to this new file instead of showing them',
  },
} as const

/** What a handler is given for them. */
export interface KeyOrigin {
  readonly importKeyFile: string | undefined
  readonly importMnemonicFile: string | undefined
  readonly backupFile: string | undefined
}
