import type { Channel } from '../channel.ts'
import type { Connection } from '../connection.ts'
import type { Args, MethodName } from '../wire/index.ts'
import { accessRequest } from './access-request.ts'
import { basicCancel } from './basic-cancel.ts'
import { basicConsume } from './basic-consume.ts'
import { basicGet } from './basic-get.ts'
import { basicQos } from './basic-qos.ts'
import { basicRecover } from './basic-recover.ts'
import { channelFlow } from './channel-flow.ts'
import { confirmSelect } from './confirm-select.ts'
import { exchangeBind } from './exchange-bind.ts'
import { exchangeDeclare } from './exchange-declare.ts'
import { exchangeDelete } from './exchange-delete.ts'
import { exchangeUnbind } from './exchange-unbind.ts'
import { queueBind } from './queue-bind.ts'
import { queueDeclare } from './queue-declare.ts'
import { queueDelete } from './queue-delete.ts'
import { queuePurge } from './queue-purge.ts'
import { queueUnbind } from './queue-unbind.ts'
import { txCommit } from './tx-commit.ts'
import { txRollback } from './tx-rollback.ts'
import { txSelect } from './tx-select.ts'

export { settle, type Answer } from './basic-ack.ts'
export { channelClose } from './channel-close.ts'
export { channelOpen } from './channel-open.ts'
export { connectionClose } from './connection-close.ts'
export { connectionCloseOk } from './connection-close-ok.ts'
export { connectionOpen } from './connection-open.ts'
export { connectionStart } from './connection-start.ts'
export { connectionStartOk } from './connection-start-ok.ts'
export { connectionTuneOk } from './connection-tune-ok.ts'
export { connectionUpdateSecret } from './connection-update-secret.ts'

type Operations = { [M in MethodName]?: (connection: Connection, channel: Channel, args: Args<M>) => void }

/** What a client may ask of an open channel; publish and the settling methods, which come once a message, aside. */
export const channelOperations: Operations = {
  'access.request': accessRequest,
  'basic.cancel': basicCancel,
  'basic.cancel-ok': () => undefined,
  'basic.consume': basicConsume,
  'basic.get': basicGet,
  'basic.qos': basicQos,
  'basic.recover': (connection, channel, args) => basicRecover(connection, channel, args),
  'basic.recover-async': (connection, channel, args) => basicRecover(connection, channel, args, false),
  'channel.flow': channelFlow,
  'channel.flow-ok': () => undefined,
  'confirm.select': confirmSelect,
  'exchange.bind': exchangeBind,
  'exchange.declare': exchangeDeclare,
  'exchange.delete': exchangeDelete,
  'exchange.unbind': exchangeUnbind,
  'queue.bind': queueBind,
  'queue.declare': queueDeclare,
  'queue.delete': queueDelete,
  'queue.purge': queuePurge,
  'queue.unbind': queueUnbind,
  'tx.commit': txCommit,
  'tx.rollback': txRollback,
  'tx.select': txSelect,
}
