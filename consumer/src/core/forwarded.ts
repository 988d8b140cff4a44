import { chain, countedDrop, lan, localNeighbours } from './ruleWords.js'

/**
 * Containers and virtual machines are this machine: it talks to them, gives them addresses and answers, and what they send
 * out meets the same rules as all that is forwarded.
 */
export const guestSet = (guests: readonly string[]): string => {
  const elements = guests.length === 0 ? '' : ` elements = { ${guests.join(', ')} };`
  return `set ${guestSetName} { type ifname;${elements} }`
}
/** Their bridges, and the devices that this machine is a gateway for. */
export const guestSetName = 'guests'
const toGuestDevices = `oifname @${guestSetName}`
/** Lets out what goes to them. */
export const toGuests = `${toGuestDevices} accept`
export const fromGuests = `iifname @${guestSetName}`
/** The command that names the bridges there are now in a table that refuses. */
export const guestCommands = (guests: readonly string[], table: string): string =>
  [
    `flush set inet ${table} ${guestSetName}`,
    ...(guests.length === 0 ? [] : [`add element inet ${table} ${guestSetName} { ${guests.join(', ')} }`]),
  ].join('\n')

/** A chain for what is forwarded. @param tunnelled - What passes in and out of a tunnel; left out: there is none. */
export const forwarding = (allowLan: boolean, tunnelled: readonly string[] = []): string =>
  chain('forwarded', [
    'type filter hook forward priority mangle; policy drop;',
    `${fromGuests} ${toGuests}`,
    ...tunnelled,
    // Guests are answered by neighbours that they talk to, and what this machine has published for one of them is found.
    ...(allowLan
      ? localNeighbours('saddr').flatMap((neighbours) => [
          `${neighbours} ct state { established, related } ${toGuests}`,
          `${neighbours} ct status dnat ${toGuests}`,
        ])
      : []),
    // Where this machine forwards for them, nobody else's packets go in: IPv6 has one switch for all devices.
    `${toGuestDevices} ${countedDrop}`,
    ...(allowLan ? lan('drop') : []),
    countedDrop,
  ])
