import Foundation

extension ZarrMetadata {
    /// The keys of `.zarray`.
    struct Document: Codable {
        var format: Int
        var shape: [Int]
        var chunks: [Int]
        var dtype: String
        var compressor: Compressor?
        var fillValue: FillValue?
        var order: String
        var filters: [Filter]?
        var separator: String?

        enum CodingKeys: String, CodingKey {
            case format = "zarr_format"
            case shape
            case chunks
            case dtype
            case compressor
            case fillValue = "fill_value"
            case order
            case filters
            case separator = "dimension_separator"
        }

        struct Filter: Codable {
            var id: String
        }

        struct Compressor: Codable {
            var id: String
            var cname: String?
            var clevel: Int?
            var shuffle: Int?
            var blocksize: Int?
        }

        init(_ metadata: ZarrMetadata) {
            format = 2
            shape = metadata.shape
            chunks = metadata.chunks
            dtype = metadata.elementType.zarr ?? ""
            if case .blosc(let settings) = metadata.compression { compressor = Compressor(settings) }
            fillValue = metadata.fillValue.map(FillValue.init(number:))
            order = "C"
            separator = metadata.separator
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(format, forKey: .format)
            try container.encode(shape, forKey: .shape)
            try container.encode(chunks, forKey: .chunks)
            try container.encode(dtype, forKey: .dtype)
            try container.encode(order, forKey: .order)
            // The specification requires these three keys even when they are null.
            try container.encode(compressor, forKey: .compressor)
            try container.encode(fillValue, forKey: .fillValue)
            try container.encode(filters, forKey: .filters)
            try container.encode(separator, forKey: .separator)
        }
    }

    /// A number, or the text for a number that JSON cannot represent.
    struct FillValue: Codable {
        var number: Double?

        init(number: Double) { self.number = number }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let flag = try? container.decode(Bool.self) {
                number = flag ? 1 : 0
            } else if let text = try? container.decode(String.self) {
                number = ["NaN": .nan, "Infinity": .infinity, "-Infinity": -.infinity][text]
            } else {
                number = try container.decode(Double.self)
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            if let number, number == number.rounded(), abs(number) < 1e15 {
                try container.encode(Int(number))
            } else {
                try container.encode(number)
            }
        }
    }
}
