"""io.prometheus.client.MetricFamily, decoded by Google's library (Debian package python3-protobuf).

The messages are described here, after metrics.proto of github.com/prometheus/client_model, rather than compiled
from it, so that no protoc is needed. What a stream holds beyond them is an error.
"""
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from google.protobuf.internal.decoder import _DecodeVarint32

F = descriptor_pb2.FieldDescriptorProto
TYPES = {"double": F.TYPE_DOUBLE, "uint64": F.TYPE_UINT64, "uint32": F.TYPE_UINT32, "sint32": F.TYPE_SINT32,
         "sint64": F.TYPE_SINT64, "int64": F.TYPE_INT64, "string": F.TYPE_STRING}
KINDS = {"COUNTER": 0, "GAUGE": 1, "SUMMARY": 2, "UNTYPED": 3, "HISTOGRAM": 4, "GAUGE_HISTOGRAM": 5}
TIME = "google.protobuf.Timestamp"
# Message → number, type and name of each field; + stands for repeated.
MESSAGES = {
    "LabelPair": "1 string name, 2 string value",
    "Gauge": "1 double value",
    "Counter": f"1 double value, 2 Exemplar exemplar, 3 {TIME} created_timestamp",
    "Quantile": "1 double quantile, 2 double value",
    "Summary": f"1 uint64 sample_count, 2 double sample_sum, 3 +Quantile quantile, 4 {TIME} created_timestamp",
    "Histogram": "1 uint64 sample_count, 2 double sample_sum, 3 +Bucket bucket, 5 sint32 schema, "
                 "6 double zero_threshold, 7 uint64 zero_count, 9 +BucketSpan negative_span, "
                 "10 +sint64 negative_delta, 12 +BucketSpan positive_span, 13 +sint64 positive_delta, "
                 f"15 {TIME} created_timestamp, 16 +Exemplar exemplars",
    "Bucket": "1 uint64 cumulative_count, 2 double upper_bound, 3 Exemplar exemplar",
    "BucketSpan": "1 sint32 offset, 2 uint32 length",
    "Exemplar": f"1 +LabelPair label, 2 double value, 3 {TIME} timestamp",
    "Metric": "1 +LabelPair label, 2 Gauge gauge, 3 Counter counter, 4 Summary summary, 7 Histogram histogram",
    "MetricFamily": "1 string name, 2 string help, 3 MetricType type, 4 +Metric metric, 5 string unit",
}


def _add_field(message, text):
    number, kind, name = text.split()
    field = message.field.add(name=name, number=int(number))
    field.label = F.LABEL_REPEATED if kind[0] == "+" else F.LABEL_OPTIONAL
    kind = kind.lstrip("+")
    if kind in TYPES:
        field.type = TYPES[kind]
    else:
        field.type = F.TYPE_ENUM if kind == "MetricType" else F.TYPE_MESSAGE
        field.type_name = "." + kind if kind == TIME else ".io.prometheus.client." + kind


def _family_class():
    file = descriptor_pb2.FileDescriptorProto(name="metrics.proto", package="io.prometheus.client",
                                              syntax="proto2", dependency=["google/protobuf/timestamp.proto"])
    kinds = file.enum_type.add(name="MetricType")
    for name, number in KINDS.items():
        kinds.value.add(name=name, number=number)
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for text in fields.split(", "):
            _add_field(message, text)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    family = pool.FindMessageTypeByName("io.prometheus.client.MetricFamily")
    if hasattr(message_factory, "GetMessageClass"):  # since protobuf 4.22; the other way is gone since 5
        return message_factory.GetMessageClass(family)
    return message_factory.MessageFactory(pool).GetPrototype(family)


MetricFamily = _family_class()


def kind_of(family):
    """The name of the field in which its metrics have their values."""
    return {number: name.lower() for name, number in KINDS.items()}[family.type]


def families(stream):
    """The MetricFamily messages of a stream in which each has its length before it."""
    at = 0
    while at < len(stream):
        size, at = _DecodeVarint32(stream, at)
        if at + size > len(stream):
            raise ValueError("the stream ends within a message")
        family = MetricFamily.FromString(stream[at:at + size])
        if len(family.SerializeToString()) != size:
            raise ValueError(f"{family.name}: fields or lengths that are not the shortest")
        if family.UnknownFields():
            raise ValueError(f"{family.name}: unknown fields")
        yield family
        at += size
