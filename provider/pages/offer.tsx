import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { day, timePrice, trafficPrice, type Units } from '../../shared/pages/amounts.js'
import { Card, Deed, Field, Shown, Tiles } from '../../shared/pages/parts.js'
import { type Answer, read } from '../../shared/pages/server.js'
import { texts } from './texts.js'

interface Offer {
  readonly live: boolean
  readonly pricePerMegabyte: string
  readonly pricePerHour: string
  readonly nextAt: number | null
  readonly units?: Units
}

const offer = signal<Answer<Offer> | undefined>(undefined)

async function look(): Promise<void> {
  offer.value = await read<Offer>('offer')
}

export function OfferPage() {
  useEffect(() => void look(), [])
  const [price, setPrice] = useState('')
  const [hourly, setHourly] = useState('')
  const shown = [price, hourly].filter((each) => each !== '').join(' + ')
  return (
    <>
      <Card title={texts.offer.standing}>
        <Shown of={offer.value} again={() => void look()}>
          {(found) => <Standing of={found} />}
        </Shown>
      </Card>
      <Card title={texts.offer.change}>
        <div class="stack">
          <p class="soft">{texts.offer.guard}</p>
          <div class="row form">
            <Field
              label={texts.offer.traffic}
              placeholder={texts.offer.trafficHint}
              value={price}
              onInput={(event) => setPrice(event.currentTarget.value.trim())}
            />
            <Field
              label={texts.offer.time}
              placeholder={texts.offer.timeHint}
              value={hourly}
              onInput={(event) => setHourly(event.currentTarget.value.trim())}
            />
            <Deed
              name="price"
              fields={{ price, hourly }}
              label={texts.offer.change}
              kind="main"
              question={texts.offer.costs(shown)}
              done={() => void look()}
            />
          </div>
        </div>
      </Card>
    </>
  )
}

function Standing({ of: { live, pricePerMegabyte, pricePerHour, nextAt, units } }: { of: Offer }) {
  const price = [
    trafficPrice(pricePerMegabyte, units?.pricePerMegabyte),
    timePrice(pricePerHour, units?.pricePerHour),
  ]
  return (
    <div class="stack">
      <div>
        <span class={`pill ${live ? 'good' : 'warn'}`}>{live ? texts.offer.live : texts.offer.none}</span>
      </div>
      {live ? (
        <Tiles
          of={[
            [texts.offer.price, price.filter((each) => each !== '').join(' + ')],
            ...(nextAt === null ? [] : [[texts.offer.next, day(nextAt)] as const]),
          ]}
        />
      ) : null}
      {live ? (
        <div>
          <Deed
            name="withdraw"
            label={texts.offer.withdraw}
            question={texts.offer.withdrawCosts}
            done={() => void look()}
          />
        </div>
      ) : null}
    </div>
  )
}
