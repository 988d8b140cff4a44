import { show } from '../../shared/pages/show.js'
import { ChannelsPage } from './channels.js'
import { DoctorPage } from './doctor.js'
import { HistoryPage } from './history.js'
import { LendPage } from './lend.js'
import { Now } from './now.js'
import { Providers } from './providers.js'
import { SettingsPage } from './settings.js'
import { texts } from './texts.js'

show(
  texts.program,
  texts.tabs,
  {
    now: Now,
    providers: Providers,
    channels: ChannelsPage,
    lend: LendPage,
    history: HistoryPage,
    settings: SettingsPage,
    doctor: DoctorPage,
  },
  ['now'],
)
