import { address } from '@pontage/shared'
import { Wallet } from 'ethers'
import {
  type Market,
  openHub,
  openProvider,
  type Person,
  type Program,
  seatConsumer,
} from '../world/index.js'
import { carryHome } from './checkout.js'
import { type Machine, makeMachine } from './machine.js'

const home = '/var/lib/pontage'

/** Begins a script that runs the consumer's program in its machine. */
export const asConsumer = `export PONTAGE_CONSUMER_HOME=${home} PONTAGE_CONSUMER_PASSWORD_FILE=/etc/pontage/password NO_COLOR=1\n`

/**
 * Everybody who is needed for a consumer that lives in a machine, which is on and not connected; the others are outside. Its
 * unit is installed as that itself says, and not enabled.
 */
export async function bootConsumer(
  market: Market,
): Promise<{ machine: Machine; hub: Person; provider: Person & { program: Program } }> {
  const machine = await makeMachine(market, await market.world.addHost('machine'))
  const booted = machine.powerOn()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  const provider = await openProvider(market, 'provider', {
    ...{ price: '20/GB', country: 'DE', hubs: [hub.address], redeemAbove: '1000', clearEvery: 5 },
    beneficiary: address(Wallet.createRandom().address),
  })
  const consumer = await seatConsumer(market, 'consumer', '20')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '10')
  await booted
  await carryHome(market, machine, consumer.host, '.pontage/consumer', home)
  await machine.run(
    `sed -i '/^password-file:/d' ${home}/config.yaml
    groupadd --system pontage
    tr -d '\n' </etc/pontage/password | systemd-creds encrypt --name=pontage-password - /etc/pontage-password.cred
    cp /opt/pontage/consumer/systemd/pontage.service /etc/systemd/system/
    systemctl daemon-reload`,
  )
  return { machine, hub, provider }
}

/** Starts the consumer's unit, waits until it is connected, and gives the event that says so. */
export const connectIn = (machine: Machine): Promise<string> =>
  machine.run(
    `systemctl start pontage
    for look in $(seq 300); do
      journalctl -b -u pontage -o cat | grep '"event":"connected"' && exit
      systemctl is-active --quiet pontage || break
      sleep 0.5
    done
    journalctl -b -u pontage -o cat; exit 1`,
    400_000,
  )
