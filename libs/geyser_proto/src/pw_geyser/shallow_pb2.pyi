from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Update(_message.Message):
    __slots__ = ("filters", "account", "slot", "transaction", "block", "ping", "block_meta", "entry", "pong", "transaction_status", "created_at")
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    BLOCK_META_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    filters: _containers.RepeatedScalarFieldContainer[str]
    account: bytes
    slot: bytes
    transaction: Tx
    block: bytes
    ping: bytes
    block_meta: BlockMeta
    entry: bytes
    pong: bytes
    transaction_status: bytes
    created_at: Time
    def __init__(self, filters: _Optional[_Iterable[str]] = ..., account: _Optional[bytes] = ..., slot: _Optional[bytes] = ..., transaction: _Optional[_Union[Tx, _Mapping]] = ..., block: _Optional[bytes] = ..., ping: _Optional[bytes] = ..., block_meta: _Optional[_Union[BlockMeta, _Mapping]] = ..., entry: _Optional[bytes] = ..., pong: _Optional[bytes] = ..., transaction_status: _Optional[bytes] = ..., created_at: _Optional[_Union[Time, _Mapping]] = ...) -> None: ...

class Tx(_message.Message):
    __slots__ = ("info", "slot")
    INFO_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    info: TxInfo
    slot: int
    def __init__(self, info: _Optional[_Union[TxInfo, _Mapping]] = ..., slot: _Optional[int] = ...) -> None: ...

class TxInfo(_message.Message):
    __slots__ = ("signature", "is_vote", "transaction", "meta", "index")
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    IS_VOTE_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    META_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    signature: bytes
    is_vote: bool
    transaction: bytes
    meta: bytes
    index: int
    def __init__(self, signature: _Optional[bytes] = ..., is_vote: _Optional[bool] = ..., transaction: _Optional[bytes] = ..., meta: _Optional[bytes] = ..., index: _Optional[int] = ...) -> None: ...

class BlockMeta(_message.Message):
    __slots__ = ("slot", "blockhash", "block_time", "parent_slot", "executed_transaction_count")
    SLOT_FIELD_NUMBER: _ClassVar[int]
    BLOCKHASH_FIELD_NUMBER: _ClassVar[int]
    BLOCK_TIME_FIELD_NUMBER: _ClassVar[int]
    PARENT_SLOT_FIELD_NUMBER: _ClassVar[int]
    EXECUTED_TRANSACTION_COUNT_FIELD_NUMBER: _ClassVar[int]
    slot: int
    blockhash: bytes
    block_time: BlockTime
    parent_slot: int
    executed_transaction_count: int
    def __init__(self, slot: _Optional[int] = ..., blockhash: _Optional[bytes] = ..., block_time: _Optional[_Union[BlockTime, _Mapping]] = ..., parent_slot: _Optional[int] = ..., executed_transaction_count: _Optional[int] = ...) -> None: ...

class BlockTime(_message.Message):
    __slots__ = ("timestamp",)
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    timestamp: int
    def __init__(self, timestamp: _Optional[int] = ...) -> None: ...

class Time(_message.Message):
    __slots__ = ("seconds", "nanos")
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    NANOS_FIELD_NUMBER: _ClassVar[int]
    seconds: int
    nanos: int
    def __init__(self, seconds: _Optional[int] = ..., nanos: _Optional[int] = ...) -> None: ...
