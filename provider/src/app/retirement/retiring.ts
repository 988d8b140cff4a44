import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileDurably } from '@pontage/shared/node'

const pathIn = (home: string): string => join(home, 'retiring')

/** Whether this provider is on its way out: it takes no new sessions, also after a restart. */
export const isRetiring = (home: string): Promise<boolean> =>
  readFile(pathIn(home)).then(
    () => true,
    () => false,
  )

export const noteRetiring = (home: string): Promise<void> =>
  writeFileDurably(pathIn(home), 'Run pontage-provider retire until it says that everything is done.\n')

export const forgetRetiring = (home: string): Promise<void> => rm(pathIn(home), { force: true })
