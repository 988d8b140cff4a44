import { type CommonOptions, nonceCommand } from '@pontage/shared/node'
import { openOutbox } from '../../io/store/outboxStore.js'
import { openDatabase } from '../../io/store/storeSchema.js'

/** Shows which transaction the chain waits for, and replaces one that another program with this key left there. */
export const nonceOfProvider = nonceCommand<CommonOptions>({
  program: 'pontage-provider',
  flags: {},
  async open({ home }) {
    const db = openDatabase(home)
    try {
      return await openOutbox(db).open()
    } finally {
      db.close()
    }
  },
})
