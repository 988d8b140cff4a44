import './tokens.css'
import './parts.css'
import { signal } from '@preact/signals'
import { type ComponentType, render } from 'preact'
import { Frame } from './parts.js'

/**
 * Shows pages, one at a time, by the part of the address after `#/`.
 *
 * @param titled - Pages that have a title of their own.
 */
export function show<Name extends string>(
  program: string,
  tabs: Readonly<Record<Name, string>>,
  pages: Readonly<Record<NoInfer<Name>, ComponentType>>,
  titled: readonly NoInfer<Name>[],
): void {
  const [first] = Object.keys(pages) as [Name]
  const named = (): Name => {
    const name = location.hash.slice('#/'.length)
    return Object.hasOwn(pages, name) ? (name as Name) : first
  }
  const here = signal<Name>(named())
  addEventListener('hashchange', () => {
    here.value = named()
  })
  function App() {
    const name = here.value
    const Page: ComponentType = pages[name]
    return (
      <Frame program={program} tabs={tabs} here={name} title={titled.includes(name) ? undefined : tabs[name]}>
        <Page />
      </Frame>
    )
  }
  render(<App />, document.body)
}
