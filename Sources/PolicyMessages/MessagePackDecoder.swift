import CMessagePack

extension MessagePackValue {
    /// Decodes a message, after it was checked that its bytes hold all that they declare.
    /// - Throws: `MessageError`, naming the byte.
    public init(decoding bytes: [UInt8], limits: MessagePackLimits = MessagePackLimits()) throws {
        self = try bytes.withUnsafeBytes { bytes in
            try MessagePackScan.check(bytes, limits: limits)
            var unpacked = msgpack_unpacked()
            msgpack_unpacked_init(&unpacked)
            defer { msgpack_unpacked_destroy(&unpacked) }
            let status = msgpack_unpack_next(
                &unpacked, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, nil)
            guard status == MSGPACK_UNPACK_SUCCESS else {
                throw MessageError("message", expected: "a MessagePack value", found: "status \(status.rawValue)")
            }
            return try MessagePackValue(unpacked.data)
        }
    }

    /// A value of the C library, whose memory lives as long as the message's bytes.
    private init(_ object: msgpack_object) throws {
        let value = object.via
        switch object.type {
        case MSGPACK_OBJECT_BOOLEAN: self = .boolean(value.boolean)
        case MSGPACK_OBJECT_POSITIVE_INTEGER: self = .unsigned(value.u64)
        case MSGPACK_OBJECT_NEGATIVE_INTEGER: self = .negative(value.i64)
        case MSGPACK_OBJECT_FLOAT32: self = .float32(Float(value.f64))
        case MSGPACK_OBJECT_FLOAT64: self = .float64(value.f64)
        case MSGPACK_OBJECT_STR:
            let bytes = UnsafeRawBufferPointer(start: value.str.ptr, count: Int(value.str.size))
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw MessageError("message", expected: "text in UTF-8", found: "other bytes; send them as binary")
            }
            self = .string(text)
        case MSGPACK_OBJECT_BIN:
            self = .binary(Array(UnsafeRawBufferPointer(start: value.bin.ptr, count: Int(value.bin.size))))
        case MSGPACK_OBJECT_ARRAY:
            self = .array(
                try UnsafeBufferPointer(start: value.array.ptr, count: Int(value.array.size)).map {
                    try MessagePackValue($0)
                })
        case MSGPACK_OBJECT_MAP:
            self = .map(
                try UnsafeBufferPointer(start: value.map.ptr, count: Int(value.map.size)).map {
                    Entry(try MessagePackValue($0.key), try MessagePackValue($0.val))
                })
        case MSGPACK_OBJECT_EXT:
            self = .custom(
                type: value.ext.type,
                Array(UnsafeRawBufferPointer(start: value.ext.ptr, count: Int(value.ext.size))))
        default: self = .null
        }
    }
}
