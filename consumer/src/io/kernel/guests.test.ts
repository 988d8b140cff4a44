import { expect, it } from 'vitest'
import { defaultDevices } from './guests.js'
import { standIns } from './standIns.fixture.js'

const system = standIns()

/** Has `ip` list these default routes, as it prints them. */
const routesAre = (json: string) => system.put('ip', `echo '${json}'`)

it('knows each device that a default route of several ways leads through', async () => {
  await routesAre(
    '[{"dst":"default","flags":[],"nexthops":[{"gateway":"192.0.2.1","dev":"wan0","weight":1,"flags":[]},{"gateway":"198.51.100.1","dev":"wan1","weight":1,"flags":[]}]},{"dst":"default","gateway":"203.0.113.1","dev":"wlan0","flags":[]}]',
  )
  expect([...(await defaultDevices())].sort()).toEqual(['wan0', 'wan1', 'wlan0'])
})
