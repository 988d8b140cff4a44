import { systemClock } from '@pontage/shared'
import { type CommonOptions, createLog, printJson, printLines, UserError } from '@pontage/shared/node'
import type { ArgumentsCamelCase, CommandModule } from 'yargs'
import { lockHome } from '../../io/store/homeLock.js'
import { PromiseStore } from '../../io/store/promiseStore.js'
import { SessionStore } from '../../io/store/sessionStore.js'
import { openDatabase } from '../../io/store/storeSchema.js'
import { recoverMachine } from '../metering/recover.js'

/** Undoes what a crashed run left on the machine. */
export const downCommand: CommandModule<CommonOptions, CommonOptions> = {
  command: 'down',
  describe: 'Restore the machine after a crash',
  handler: down,
}

async function down({ home, logLevel, json }: ArgumentsCamelCase<CommonOptions>): Promise<void> {
  const log = createLog('pontage-provider', logLevel)
  const db = openDatabase(home)
  try {
    const unlock = lockHome(home)
    try {
      const { undone, left } = await recoverMachine(
        { sessions: new SessionStore(db), promises: new PromiseStore(db), clock: systemClock, log },
        home,
        false,
      )
      if (left.length > 0)
        throw new UserError(
          `Not everything could be undone. ${left.join(' ')} Run this again once that is mended.`,
        )
      if (json) printJson({ result: undone ? 'restored' : 'nothing' })
      else printLines(undone ? 'The machine is as it was before the run.' : 'There was nothing to undo.')
    } finally {
      unlock()
    }
  } finally {
    db.close()
  }
}
