import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { askControl } from '@pontage/shared/node'
import { type LendingView, viewsOf } from '../../lend/views.js'
import { type Asker, asksService, serviceSocket } from '../service/place.js'

/** Where the program that holds lendings is asked: only its own user may, as they cost money. */
export const lendSocket = (home: string): string => join(home, 'lend.sock')

/** Where somebody is lent to: by the service, where it is to be asked, else by a program of this user's own. */
export const placeToLend = (asker: Asker): string =>
  asker.control ??
  (asksService(asker) && !existsSync(lendSocket(asker.home)) ? serviceSocket : lendSocket(asker.home))

/** What is lent: as the program says that holds it, else as it is kept. */
export const lendingsNow = async (asker: Asker): Promise<LendingView[]> =>
  (await askControl<LendingView[]>(placeToLend(asker), { type: 'lendings' })) ?? viewsOf(asker.home)
