import { address } from '@pontage/shared'
import { type CommonOptions, printJson, printLines, UserError } from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { HubTrustStore } from '../../io/store/hubTrustStore.js'
import { openDatabase } from '../../io/store/storeSchema.js'

type Options = CommonOptions & { hub: string }

/** Takes back that a hub is not relied on. */
export const trustCommand: CommandModule<CommonOptions, Options> = {
  command: 'trust <hub>',
  describe: 'Trust a hub again that was found to lie; takes effect at the next start',
  builder: { hub: { type: 'string', describe: 'Address of the hub' } },
  handler({ home, hub, json }) {
    const db = openDatabase(home)
    try {
      if (!new HubTrustStore(db).trust(address(hub)))
        throw new UserError(
          `${hub} is already trusted. Run pontage-provider status to see which hubs are not.`,
        )
    } finally {
      db.close()
    }
    if (json) printJson({ hub, trusted: true })
    else printLines(`${hub} is trusted again from the next start on.`)
  },
}
