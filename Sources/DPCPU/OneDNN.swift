internal import CDPKernels
internal import CDPOneDNN
internal import DPGraph

/// The part of oneDNN that this backend uses, on the CPU and on the team that the calling thread leads.
///
/// All calls to the library are in the files of this type. A failing call here is an error of the compiler that
/// made the plan, not of its user, so it stops the program with the library's status.
///
/// Unchecked, because engine and stream are set once, and only the thread that leads the team uses the stream.
final class OneDNN: @unchecked Sendable {
    private let engine: dnnl_engine_t
    private let stream: dnnl_stream_t

    init() {
        var engine: dnnl_engine_t?
        check(dnnl_engine_create(&engine, dnnl_cpu, 0), "engine")
        var stream: dnnl_stream_t?
        check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags.rawValue), "stream")
        self.engine = engine!
        self.stream = stream!
    }

    deinit {
        dnnl_stream_destroy(stream)
        dnnl_engine_destroy(engine)
    }

    /// The library's name and version, as in `oneDNN 2.6.3`.
    static var version: String {
        let version = dnnl_version().pointee
        return "oneDNN \(version.major).\(version.minor).\(version.patch)"
    }

    /// Limits the library to some instructions.
    ///
    /// The library must not have computed anything yet.
    static func cap(at instructions: InstructionSet) {
        let cap =
            switch instructions {
            case .baseline: dnnl_cpu_isa_sse41
            case .avx2: dnnl_cpu_isa_avx2
            case .avx512: dnnl_cpu_isa_avx512_core
            case .avx512BFloat16: dnnl_cpu_isa_avx512_core_bf16
            }
        check(dnnl_set_max_cpu_isa(cap), "cap of instructions")
    }

    // MARK: - Layouts

    /// The memory layout and the precision of a tensor.
    final class Layout: Equatable {
        let descriptor: const_dnnl_memory_desc_t

        private init(_ descriptor: const_dnnl_memory_desc_t?) { self.descriptor = descriptor! }

        deinit { dnnl_memory_desc_destroy(descriptor) }

        /// Creates a layout with the given strides.
        convenience init(_ dimensions: [Int], strides: [Int], _ precision: Precision = .float32) {
            var descriptor: const_dnnl_memory_desc_t?
            check(
                dnnl_memory_desc_create_with_strides(
                    &descriptor, Int32(dimensions.count), dimensions.map(Int64.init), precision.type,
                    strides.map(Int64.init)),
                "layout \(dimensions) \(strides)")
            self.init(descriptor)
        }

        /// Creates a row-major layout.
        convenience init(rowMajor dimensions: [Int], _ precision: Precision = .float32) {
            var strides = [Int](repeating: 1, count: dimensions.count)
            for axis in dimensions.indices.dropLast().reversed() {
                strides[axis] = strides[axis + 1] * dimensions[axis + 1]
            }
            self.init(dimensions, strides: strides, precision)
        }

        /// Creates a layout that the primitive chooses.
        convenience init(any dimensions: [Int], _ precision: Precision = .float32) {
            var descriptor: const_dnnl_memory_desc_t?
            check(
                dnnl_memory_desc_create_with_tag(
                    &descriptor, Int32(dimensions.count), dimensions.map(Int64.init), precision.type,
                    dnnl_format_tag_any),
                "layout \(dimensions)")
            self.init(descriptor)
        }

        /// Creates a layout of the library's (batch, channel, …) dimensions with the channels of a position
        /// contiguous.
        convenience init(channelsLast dimensions: [Int], _ precision: Precision = .float32) {
            var strides = dimensions
            var stride = dimensions[1]
            strides[1] = 1
            for axis in dimensions.indices.dropFirst(2).reversed() {
                strides[axis] = stride
                stride *= dimensions[axis]
            }
            strides[0] = stride
            self.init(dimensions, strides: strides, precision)
        }

        /// Creates a copy of a layout that the library owns.
        fileprivate convenience init(copying original: const_dnnl_memory_desc_t?) {
            var descriptor: const_dnnl_memory_desc_t?
            check(dnnl_memory_desc_clone(&descriptor, original), "copy of a layout")
            self.init(descriptor)
        }

        /// Bytes of the tensor, including the padding of the layout.
        var byteCount: Int { dnnl_memory_desc_get_size(descriptor) }

        static func == (left: Layout, right: Layout) -> Bool {
            dnnl_memory_desc_equal(left.descriptor, right.descriptor) != 0
        }
    }

    // MARK: - Primitives

    /// A tensor that a primitive reads or writes.
    enum Argument {
        case source, weights, bias, destination
        case gradientOfSource, gradientOfWeights, gradientOfBias, gradientOfDestination

        fileprivate var index: Int32 {
            switch self {
            case .source: DNNL_ARG_SRC
            case .weights: DNNL_ARG_WEIGHTS
            case .bias: DNNL_ARG_BIAS
            case .destination: DNNL_ARG_DST
            case .gradientOfSource: DNNL_ARG_DIFF_SRC
            case .gradientOfWeights: DNNL_ARG_DIFF_WEIGHTS
            case .gradientOfBias: DNNL_ARG_DIFF_BIAS
            case .gradientOfDestination: DNNL_ARG_DIFF_DST
            }
        }

        fileprivate var query: dnnl_query_t {
            switch self {
            case .source: dnnl_query_src_md
            case .weights, .bias: dnnl_query_weights_md
            case .destination: dnnl_query_dst_md
            case .gradientOfSource: dnnl_query_diff_src_md
            case .gradientOfWeights, .gradientOfBias: dnnl_query_diff_weights_md
            case .gradientOfDestination: dnnl_query_diff_dst_md
            }
        }
    }

    /// A primitive whose implementation, and therefore layouts, are chosen, but whose tensors have no memory yet.
    final class Description {
        let handle: dnnl_primitive_desc_t
        fileprivate init(_ handle: dnnl_primitive_desc_t) { self.handle = handle }
        deinit { dnnl_primitive_desc_destroy(handle) }

        /// Returns the layout that the primitive requires for an argument.
        func layout(of argument: Argument) -> Layout {
            Layout(
                copying: dnnl_primitive_desc_query_md(
                    handle, argument.query, argument == .bias || argument == .gradientOfBias ? 1 : 0))
        }

        /// The layout of the scratchpad that the primitive writes to.
        var scratchpadLayout: Layout {
            Layout(copying: dnnl_primitive_desc_query_md(handle, dnnl_query_scratchpad_md, 0))
        }
    }

    /// A primitive bound to memory.
    final class Primitive {
        private let primitive: dnnl_primitive_t
        private let stream: dnnl_stream_t
        private let arguments: UnsafeMutableBufferPointer<dnnl_exec_arg_t>
        /// Whether the primitive contains barriers, as far as is known.
        private let hasBarriers: UnsafeMutablePointer<Int32>
        private let owner: OneDNN

        fileprivate init(
            _ primitive: dnnl_primitive_t, stream: dnnl_stream_t, arguments: [dnnl_exec_arg_t], owner: OneDNN
        ) {
            self.primitive = primitive
            self.stream = stream
            self.owner = owner
            self.arguments = .allocate(capacity: arguments.count)
            _ = self.arguments.initialize(from: arguments)
            hasBarriers = .allocate(capacity: 1)
            hasBarriers.initialize(to: 0)
        }

        deinit {
            for argument in arguments { dnnl_memory_destroy(argument.memory) }
            arguments.deallocate()
            hasBarriers.deallocate()
            dnnl_primitive_destroy(primitive)
        }

        /// Executes the primitive.
        func execute() {
            ck_begin_primitive(hasBarriers)
            // The library has parallel regions outside of primitives too, and this primitive may be freed by then.
            defer { ck_begin_primitive(nil) }
            let status = dnnl_primitive_execute(primitive, stream, Int32(arguments.count), arguments.baseAddress)
            precondition(status == dnnl_success, "oneDNN could not execute a primitive: status \(status.rawValue)")
        }
    }

    /// Binds a primitive to memory.
    /// - Parameter scratchpad: working memory that primitives running one after another may share.
    /// - Throws: `OutOfMemory`.
    func primitive(
        _ description: Description, _ tensors: [(argument: Argument, memory: UnsafeMutableRawPointer)],
        scratchpad: AlignedMemory.ScratchBuffer
    ) throws -> Primitive {
        let scratch = description.scratchpadLayout
        var arguments = tensors.map { tensor in
            dnnl_exec_arg_t(
                arg: tensor.argument.index,
                memory: memory(description.layout(of: tensor.argument), at: tensor.memory))
        }
        if scratch.byteCount > 0 {
            let memory = try memory(scratch, at: scratchpad.reserve(scratch.byteCount))
            scratchpad.onMove { dnnl_memory_set_data_handle(memory, $0) }
            arguments.append(dnnl_exec_arg_t(arg: DNNL_ARG_SCRATCHPAD, memory: memory))
        }
        return bind(description.handle, arguments)
    }

    /// Returns the primitive that copies from one layout to another.
    func reorder(
        from source: Layout, at sourceMemory: UnsafeMutableRawPointer, to destination: Layout,
        at destinationMemory: UnsafeMutableRawPointer
    ) -> Primitive {
        var handle: dnnl_primitive_desc_t?
        check(
            dnnl_reorder_primitive_desc_create(
                &handle, source.descriptor, engine, destination.descriptor, engine, nil), "reorder")
        defer { dnnl_primitive_desc_destroy(handle) }
        return bind(
            handle!,
            [
                dnnl_exec_arg_t(arg: DNNL_ARG_FROM, memory: memory(source, at: sourceMemory)),
                dnnl_exec_arg_t(arg: DNNL_ARG_TO, memory: memory(destination, at: destinationMemory)),
            ])
    }

    private func memory(_ layout: Layout, at pointer: UnsafeMutableRawPointer) -> dnnl_memory_t {
        var memory: dnnl_memory_t?
        check(dnnl_memory_create(&memory, layout.descriptor, engine, pointer), "memory")
        return memory!
    }

    private func bind(_ description: dnnl_primitive_desc_t, _ arguments: [dnnl_exec_arg_t]) -> Primitive {
        var primitive: dnnl_primitive_t?
        check(dnnl_primitive_create(&primitive, description), "primitive")
        return Primitive(primitive!, stream: stream, arguments: arguments, owner: self)
    }

    /// Chooses the implementation of a primitive.
    ///
    /// Its user provides the scratchpad.
    /// - Parameter create: calls the library function that makes the descriptor.
    func description(
        _ what: String,
        create: (UnsafeMutablePointer<dnnl_primitive_desc_t?>, dnnl_engine_t, dnnl_primitive_attr_t?) -> dnnl_status_t
    ) -> Description {
        var attributes: dnnl_primitive_attr_t?
        check(dnnl_primitive_attr_create(&attributes), "attributes")
        defer { dnnl_primitive_attr_destroy(attributes) }
        check(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user), "attributes")
        var handle: dnnl_primitive_desc_t?
        check(create(&handle, engine, attributes), what)
        return Description(handle!)
    }
}

func check(_ status: dnnl_status_t, _ what: @autoclosure () -> String) {
    precondition(status == dnnl_success, "oneDNN could not make \(what()): status \(status.rawValue)")
}

extension Precision {
    fileprivate var type: dnnl_data_type_t {
        switch self {
        case .float32: dnnl_f32
        case .bfloat16: dnnl_bf16
        }
    }
}
