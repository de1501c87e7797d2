import CMessagePack

extension MessagePackValue {
    /// The bytes of the value.
    public var encoded: [UInt8] {
        var buffer = msgpack_sbuffer()
        msgpack_sbuffer_init(&buffer)
        defer { msgpack_sbuffer_destroy(&buffer) }
        withUnsafeMutablePointer(to: &buffer) { buffer in
            var packer = msgpack_packer()
            msgpack_packer_init(&packer, buffer) { buffer, bytes, count in
                msgpack_sbuffer_write(buffer, bytes, count)
            }
            encode(into: &packer)
        }
        return Array(UnsafeRawBufferPointer(start: buffer.data, count: buffer.size))
    }

    /// Appends the value; the library's calls fail only when memory ends.
    private func encode(into packer: inout msgpack_packer) {
        switch self {
        case .null: _ = msgpack_pack_nil(&packer)
        case .boolean(let value): _ = value ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer)
        case .negative(let value): _ = msgpack_pack_int64(&packer, value)
        case .unsigned(let value): _ = msgpack_pack_uint64(&packer, value)
        case .float32(let value): _ = msgpack_pack_float(&packer, value)
        case .float64(let value): _ = msgpack_pack_double(&packer, value)
        case .string(var text):
            text.withUTF8 { bytes in
                _ = msgpack_pack_str(&packer, bytes.count)
                _ = msgpack_pack_str_body(&packer, bytes.baseAddress, bytes.count)
            }
        case .binary(let bytes):
            _ = msgpack_pack_bin(&packer, bytes.count)
            _ = msgpack_pack_bin_body(&packer, bytes, bytes.count)
        case .array(let values):
            _ = msgpack_pack_array(&packer, values.count)
            for value in values { value.encode(into: &packer) }
        case .map(let entries):
            _ = msgpack_pack_map(&packer, entries.count)
            for entry in entries {
                entry.key.encode(into: &packer)
                entry.value.encode(into: &packer)
            }
        case .custom(let type, let bytes):
            _ = msgpack_pack_ext(&packer, bytes.count, type)
            _ = msgpack_pack_ext_body(&packer, bytes, bytes.count)
        }
    }
}
